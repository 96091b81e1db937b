using BackupApi.Config;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>A command finds the service by the settings it was started with.</summary>
public sealed class ServiceAddressTests
{
    [Theory]
    [InlineData(null, null, "http://127.0.0.1:5050/")]
    [InlineData("http_ports", "8080", "http://127.0.0.1:8080/")]
    [InlineData("http_ports", "8080;9090", "http://127.0.0.1:8080/")]
    [InlineData("https_ports", "8443", "https://127.0.0.1:8443/")]
    [InlineData("urls", "http://0.0.0.0:80", "http://127.0.0.1/")]
    [InlineData("urls", "http://[::]:81", "http://127.0.0.1:81/")]
    [InlineData("urls", "http://*:82;https://*:83", "http://127.0.0.1:82/")]
    [InlineData("urls", "https://+:83; http://localhost:84", "http://localhost:84/")]
    [InlineData("urls", "http://[::1]:85", "http://[::1]:85/")]
    [InlineData("urls", "http://127.0.0.1:86/base", "http://127.0.0.1:86/base")]
    [InlineData("urls", "http://unix:/run/x.sock", null)]
    [InlineData("urls", "nonsense", null)]
    [InlineData("BACKUPAPI_URL", "http://elsewhere:1/", "http://elsewhere:1/")]
    [InlineData("BACKUPAPI_URL", "nonsense", null)]
    public void The_address_is_one_that_can_be_called(string? name, string? value, string? expected)
    {
        var settings = name is null ? [] : new Dictionary<string, string?>(StringComparer.Ordinal) { [name] = value };

        Assert.Equal(expected, ServiceAddress.Find(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())?.ToString());
    }
}
