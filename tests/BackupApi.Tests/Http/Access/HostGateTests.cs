using BackupApi.Http.Access;
using BackupApi.Model;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace BackupApi.Tests.Http.Access;

/// <summary>By which names the service may be called, and from which pages.</summary>
public sealed class HostGateTests
{
    [Theory]
    [InlineData("localhost:5050", true, true)]
    [InlineData("LOCALHOST", true, true)]
    [InlineData("shop.localhost:5050", true, true)]
    [InlineData("127.0.0.1:5050", true, true)]
    [InlineData("[::1]:5050", true, true)]
    [InlineData("127.1.2.3", true, true)]
    [InlineData("", true, true)]
    [InlineData("192.168.1.2:5050", false, true)]
    [InlineData("[fd00::1]:5050", false, true)]
    [InlineData("backupapi:8080", false, true)]
    [InlineData("backup.example.org", false, false)]
    [InlineData("127.0.0.1.example.org", false, false)]
    [InlineData("localhost.example.org", false, false)]
    [InlineData("notlocalhost", false, true)]
    [InlineData("localhost.", true, true)]
    public async Task A_name_that_nobody_else_can_own_is_ours(string host, bool onThisMachine, bool beyond)
    {
        Assert.Equal(onThisMachine, await PassesAsync(Rules(isLocal: true), "GET", host));
        Assert.Equal(beyond, await PassesAsync(Rules(isLocal: false), "GET", host));
    }

    [Theory]
    [InlineData("backup.example.org", "Backup.Example.org:443", true)]
    [InlineData("backup.example.org", "other.example.org", false)]
    [InlineData("*.example.org", "a.b.example.org", true)]
    [InlineData("*.example.org", "example.org", false)]
    [InlineData("*.example.org", "badexample.org", false)]
    [InlineData("*", "anything.at.all", true)]
    public async Task A_name_that_was_allowed_is_ours(string allowed, string host, bool passes) =>
        Assert.Equal(passes, await PassesAsync(Rules(isLocal: false, allowed), "GET", host));

    [Theory]
    [InlineData("http://localhost:5050", "localhost:5050", "same-origin", true)]
    [InlineData("http://localhost:5050", "localhost:5050", "", true)]
    [InlineData("https://localhost", "localhost", "", true)]
    [InlineData("https://localhost", "localhost:443", "", true)]
    [InlineData("", "localhost:5050", "none", true)]
    [InlineData("", "localhost:5050", "", true)]
    [InlineData("http://localhost:5051", "localhost:5050", "", false)]
    [InlineData("http://evil.example", "localhost:5050", "", false)]
    [InlineData("http://evil.example", "localhost:5050", "same-origin", false)]
    [InlineData("null", "localhost:5050", "", false)]
    [InlineData("", "localhost:5050", "cross-site", false)]
    [InlineData("", "localhost:5050", "same-site", false)]
    [InlineData("", "localhost:5050", "something-new", false)]
    public async Task Only_our_own_page_and_programs_may_change_something(string origin, string host, string site, bool passes)
    {
        foreach (var method in new[] { "POST", "PUT", "PATCH", "DELETE", "ANYTHING" })
        {
            Assert.Equal(passes, await PassesAsync(Rules(isLocal: true), method, host, origin, site));
        }

        foreach (var method in new[] { "GET", "HEAD", "OPTIONS" })
        {
            Assert.True(await PassesAsync(Rules(isLocal: true), method, host, origin, site));
        }
    }

    private static async Task<bool> PassesAsync(AccessRules rules, string method, string host, string origin = "", string site = "")
    {
        var passed = false;
        var context = new DefaultHttpContext { Request = { Method = method, Host = new HostString(host) } };
        context.Request.Headers.Origin = origin;
        context.Request.Headers["Sec-Fetch-Site"] = site;
        try
        {
            await new HostGate(Passed, rules).InvokeAsync(context);
        }
        catch (BackupException e)
        {
            Assert.Equal(Fault.Forbidden, e.Fault);
        }

        return passed;

        Task Passed(HttpContext _)
        {
            passed = true;
            return Task.CompletedTask;
        }
    }

    private static AccessRules Rules(bool isLocal, params string[] hosts) =>
        new() { Keys = [], ServesAnybody = false, IsLocal = isLocal, Hosts = hosts, MaxDownloads = 1 };
}
