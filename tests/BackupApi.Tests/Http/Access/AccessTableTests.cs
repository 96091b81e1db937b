using System.Net;
using BackupApi.Http.Access;
using BackupApi.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace BackupApi.Tests.Http.Access;

/// <summary>Every call of the running service, by every kind of caller. A new call fails here until somebody has decided who may make it.</summary>
public sealed class AccessTableTests : IAsyncLifetime
{
    private const string AdminKey = "admin-key-of-the-table";
    private const string OperateKey = "operate-key-of-the-table";
    private const string ReadKey = "read-key-of-the-table";

    /// <summary>The decision, written a second time on purpose: a role changed by accident must not pass.</summary>
    private static readonly Dictionary<string, string> Decided = new(StringComparer.Ordinal)
    {
        ["GET /api/health"] = "open",
        ["HEAD /api/health"] = "open",
        ["GET /api/health/live"] = "open",
        ["HEAD /api/health/live"] = "open",
        ["GET /api/health/ready"] = "open",
        ["HEAD /api/health/ready"] = "open",
        ["GET /openapi/{documentName}.json"] = "read",
        ["GET /api/backup/list"] = "read",
        ["GET /api/backup/export-metadata"] = "read",
        ["GET /api/backup/{name:regex(^(?!create$|restore$|undo-restore$))}"] = "read",
        ["GET /api/backup/{name}/files"] = "read",
        ["GET /api/backup/{name}/files/{**path}"] = "read",
        ["GET /api/backup/{name}/download"] = "read",
        ["HEAD /api/backup/{name}/download"] = "read",
        ["GET /api/databases"] = "read",
        ["GET /api/alarms"] = "read",
        ["GET /api/history"] = "read",
        ["GET /api/logs"] = "read",
        ["GET /api/schedule"] = "read",
        ["GET /api/stats"] = "read",
        ["GET /metrics"] = "read",
        ["GET /api/retention/plan"] = "read",
        ["GET /api/operations"] = "read",
        ["GET /api/operations/{id}"] = "read",
        ["GET /api/operations/events"] = "read",
        ["GET /api/operations/{id}/events"] = "read",
        ["POST /api/backup/create"] = "operate",
        ["POST /api/backup/{name}/verify"] = "operate",
        ["POST /api/backup/{name}/pin"] = "operate",
        ["DELETE /api/backup/{name}/pin"] = "operate",
        ["POST /api/databases/verify"] = "operate",
        ["POST /api/databases/salvage"] = "operate",
        ["POST /api/backup/{name}/drill"] = "operate",
        ["POST /api/alarms/{id}/acknowledge"] = "operate",
        ["POST /api/alerts/test"] = "operate",
        ["POST /api/schedule/pause"] = "operate",
        ["POST /api/schedule/resume"] = "operate",
        ["POST /api/backup/restore"] = "admin",
        ["POST /api/backup/undo-restore"] = "admin",
        ["DELETE /api/backup/{name:regex(^(?!create$|restore$|undo-restore$))}"] = "admin",
        ["GET /api/settings"] = "admin",
        ["PUT /api/schedule"] = "admin",
        ["PUT /api/logs/level"] = "admin",
    };

    private readonly RunningService service = new(
        static folder => folder.File("storage/a.txt", "hello"u8), ("API_KEY", AdminKey), ("API_KEY_OPERATE", OperateKey), ("API_KEY_READ", ReadKey));

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Every_call_is_classified_as_it_was_decided()
    {
        var found = (await CallsAsync()).ToDictionary(call => $"{call.Method} {call.Pattern}", call => call.Needed is null ? "unclassified" : RoleName(call.Needed.Role), StringComparer.Ordinal);

        var different = Decided.Except(found).Select(pair => $"decided: {pair}").Concat(found.Except(Decided).Select(pair => $"found: {pair}"));
        Assert.True(!different.Any(), string.Join('\n', different));
    }

    [Fact]
    public async Task Every_call_answers_every_caller_as_it_should()
    {
        var wrong = new List<string>();
        foreach (var (method, pattern, needed) in await CallsAsync())
        {
            if (needed is null)
            {
                wrong.Add($"{method} {pattern} is not classified: say Needs(Role.…) or IsOpen() where it is mapped");
                continue;
            }

            var role = needed.Role;
            var changes = method is not ("GET" or "HEAD");
            (string Caller, int Refusal, (string, string)[] Headers)[] callers =
            [
                ("no key", role is null ? 0 : 401, []),
                ("a wrong key", role is null ? 0 : 401, [("X-Api-Key", "a-wrong-key-of-the-table")]),
                ("a wrong bearer", role is null ? 0 : 401, [("Authorization", "Bearer a-wrong-key-of-the-table")]),
                ("read", role is null or Role.Read ? 0 : 403, [("X-Api-Key", ReadKey)]),
                ("operate", role is Role.Admin ? 403 : 0, [("X-Api-Key", OperateKey)]),
                ("admin", 0, [("Authorization", $"Bearer {AdminKey}")]),
                ("admin, from a page of another site", changes ? 403 : 0, [("X-Api-Key", AdminKey), ("Sec-Fetch-Site", "cross-site")]),
                ("admin, from a page beside", changes ? 403 : 0, [("X-Api-Key", AdminKey), ("Sec-Fetch-Site", "same-site")]),
                ("admin, from an old browser elsewhere", changes ? 403 : 0, [("X-Api-Key", AdminKey), ("Origin", "http://elsewhere.example")]),
                ("admin, from a page without an origin", changes ? 403 : 0, [("X-Api-Key", AdminKey), ("Origin", "null")]),
                ("admin, by a rebound name", 403, [("X-Api-Key", AdminKey), ("Host", "elsewhere.example")]),
                ("admin, from our own page", 0, [("X-Api-Key", AdminKey), ("Sec-Fetch-Site", "same-origin"), ("Origin", service.Client.BaseAddress!.GetLeftPart(UriPartial.Authority))]),
            ];
            foreach (var (caller, refusal, headers) in callers)
            {
                var status = await AskAsync(method, pattern, headers);
                if (refusal == 0 ? status is 401 or 403 or 429 or >= 500 : status != refusal)
                {
                    wrong.Add($"{method} {pattern} by {caller}: {status}, expected {(refusal == 0 ? "to pass" : refusal)}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/index.html")]
    [InlineData("/swagger/index.html")]
    [InlineData("/swagger/swagger-ui.css")]
    [InlineData("/nowhere")]
    public async Task What_is_no_call_needs_a_key_too(string path)
    {
        Assert.Equal(401, await AskAsync("GET", path, []));
        Assert.Equal(path == "/nowhere" ? 404 : 200, await AskAsync("GET", path, [("X-Api-Key", ReadKey)]));
    }

    private async Task<int> AskAsync(string method, string pattern, (string Name, string Value)[] headers)
    {
        // No such backup, and a body that no call takes: what is let through does nothing.
        var path = pattern.Split(':')[0].TrimEnd('{', '}') is var start && pattern.Contains(":regex", StringComparison.Ordinal) ? $"{start[..start.IndexOf('{', StringComparison.Ordinal)]}backup_2020-01-01_000000.tar.gz" : pattern;
        path = path.Replace("{name}", "backup_2020-01-01_000000.tar.gz", StringComparison.Ordinal).Replace("{**path}", "a", StringComparison.Ordinal)
            .Replace("{id}", "none", StringComparison.Ordinal).Replace("{documentName}", "v1", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
        request.Content = method is "POST" or "PUT" ? new StringContent("{\"nothing\":1}") : null;
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await service.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && method != "HEAD")
        {
            var text = await response.Content.ReadAsStringAsync();
            Assert.Contains(response.StatusCode == HttpStatusCode.Unauthorized ? "\"fault\":\"unauthorized\"" : "\"fault\":\"forbidden\"", text, StringComparison.Ordinal);
            Assert.Equal(response.StatusCode == HttpStatusCode.Unauthorized, response.Headers.WwwAuthenticate.Count > 0);
        }

        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Contains("frame-ancestors 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
        Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
        Assert.True(!path.StartsWith("/api", StringComparison.Ordinal) || response.Headers.CacheControl?.NoStore == true, path);
        return (int)response.StatusCode;
    }

    private static async Task<List<(string Method, string Pattern, Needed? Needed)>> CallsAsync()
    {
        await using var inMemory = new StartingService();
        return [.. inMemory.Endpoints.OfType<RouteEndpoint>().SelectMany(call => call.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(
            method => (method, call.RoutePattern.RawText!.TrimEnd('/') is var path && path.StartsWith('/') ? path : $"/{path}", call.Metadata.GetMetadata<Needed>())))];
    }

    private static string RoleName(Role? role) => role is { } known ? known.ToString().ToLowerInvariant() : "open";
}
