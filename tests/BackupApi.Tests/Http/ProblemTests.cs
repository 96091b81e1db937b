using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>Every failure has one shape, and no name leaves its folder.</summary>
public sealed class ProblemTests(RunningService service) : IClassFixture<RunningService>
{
    [Theory]
    [InlineData("GET", "/nowhere", 404)]
    [InlineData("GET", "/api/backup", 404)]
    [InlineData("GET", "/api/backup/backup_2020-01-01_000000.tar.gz", 404)]
    [InlineData("GET", "/api/backup/backup_2020-01-01_000000.tar.gz/files", 404)]
    [InlineData("GET", "/api/backup/backup_2020-01-01_000000.tar.gz/files/a", 404)]
    [InlineData("GET", "/api/backup/backup_2020-01-01_000000.tar.gz/download", 404)]
    [InlineData("POST", "/api/backup/backup_2020-01-01_000000.tar.gz/verify", 404)]
    [InlineData("DELETE", "/api/backup/backup_2020-01-01_000000.tar.gz", 404)]
    [InlineData("GET", "/api/operations/none", 404)]
    [InlineData("GET", "/api/operations/none/events", 404)]
    [InlineData("GET", "/api/backup/create", 405)]
    [InlineData("GET", "/api/backup/restore", 405)]
    [InlineData("DELETE", "/api/backup/create", 405)]
    [InlineData("PUT", "/api/backup/list", 405)]
    [InlineData("POST", "/api/health", 405)]
    [InlineData("POST", "/api/backup/create?wait=perhaps", 400)]
    [InlineData("DELETE", "/api/backup/x.tar.gz?force=perhaps", 400)]
    [InlineData("GET", "/api/backup/a%2Fb", 400)]
    [InlineData("GET", "/api/backup/a%5Cb", 400)]
    [InlineData("GET", "/api/backup/..%2F..%2Fetc%2Fpasswd", 400)]
    [InlineData("GET", "/api/backup/%252e%252e%252fx", 400)]
    [InlineData("GET", "/api/backup/%2Fetc%2Fpasswd/download", 400)]
    [InlineData("GET", "/api/backup/x%0Ay/download", 400)]
    [InlineData("POST", "/api/backup/..%5C..%5Cx/verify", 400)]
    [InlineData("DELETE", "/api/backup/..%2Fx?force=true", 400)]
    public async Task A_failure_is_a_problem_with_fault_and_hint(string method, string path, int expected)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
        request.Headers.TryAddWithoutValidation("Accept", "text/html");
        using var response = await service.Client.SendAsync(request);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

        Assert.Equal(expected, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(expected, json.GetProperty("status").GetInt32());
        Assert.False(json.GetProperty("success").GetBoolean());
        Assert.Equal(expected == 404 ? "notFound" : "invalidRequest", json.GetProperty("fault").GetString());
        foreach (var field in new[] { "type", "title", "detail", "hint", "instance" })
        {
            Assert.NotEmpty(json.GetProperty(field).GetString()!);
        }
    }

    [Fact]
    public async Task A_wrong_method_says_which_one_is_right()
    {
        using var response = await service.Client.GetAsync(new Uri("/api/backup/create", UriKind.Relative));

        Assert.Equal("POST", Assert.Single(response.Content.Headers.Allow));
        Assert.Contains("POST", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/backup/../../../etc/passwd")]
    [InlineData("/api/backup/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/api/backup/..%2f..%2fetc%2fpasswd/download")]
    [InlineData("/api/backup/x.tar.gz/files/../../../../etc/passwd")]
    [InlineData("/api/backup/x.tar.gz/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd")]
    [InlineData("/api/backup/..\\..\\etc\\passwd")]
    [InlineData("/api/backup/%00")]
    public async Task A_path_that_climbs_is_refused_as_it_was_typed(string path)
    {
        // A raw socket: every client library would tidy the path up.
        using var socket = new TcpClient();
        await socket.ConnectAsync(service.Client.BaseAddress!.Host, service.Client.BaseAddress.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fault_has_its_status()
    {
        var expected = new Dictionary<Fault, int>
        {
            [Fault.InvalidRequest] = 400,
            [Fault.Unauthorized] = 401,
            [Fault.Forbidden] = 403,
            [Fault.TooManyRequests] = 429,
            [Fault.NotFound] = 404,
            [Fault.Busy] = 409,
            [Fault.StorageInUse] = 409,
            [Fault.Protected] = 409,
            [Fault.ReadOnly] = 409,
            [Fault.HookFailed] = 424,
            [Fault.TooLarge] = 413,
            [Fault.ArchiveLocked] = 422,
            [Fault.ArchiveDamaged] = 422,
            [Fault.ArchiveHostile] = 422,
            [Fault.ArchiveIncompatible] = 422,
            [Fault.NoRoom] = 507,
            [Fault.NotReady] = 503,
            [Fault.Cancelled] = 503,
            [Fault.StorageMissing] = 503,
            [Fault.PermissionDenied] = 503,
            [Fault.DiskError] = 503,
            [Fault.SourceBusy] = 503,
            [Fault.VerificationFailed] = 500,
            [Fault.Internal] = 500,
        };

        Assert.Equal(expected, Enum.GetValues<Fault>().ToDictionary(fault => fault, Problems.StatusOf));
    }

    [Fact]
    public async Task A_bug_is_500_without_detail_and_logged_once_with_its_stack_trace()
    {
        var (context, log) = await AnswerAsync(new InvalidOperationException("the secret"));

        var json = Body(context);
        Assert.Equal(500, context.Response.StatusCode);
        Assert.Equal("internal", json.GetProperty("fault").GetString());
        Assert.DoesNotContain("secret", json.ToString(), StringComparison.Ordinal);
        Assert.Equal("the secret", Assert.Single(log.Exceptions)!.Message);
    }

    [Fact]
    public async Task An_expected_failure_is_not_logged_as_a_bug()
    {
        var (context, log) = await AnswerAsync(new BackupException(Fault.NoRoom, "Not enough room.", "Make room.") { OperationId = "7" });

        var json = Body(context);
        Assert.Equal(507, context.Response.StatusCode);
        Assert.Equal("noRoom", json.GetProperty("fault").GetString());
        Assert.Equal("Make room.", json.GetProperty("hint").GetString());
        Assert.Equal("7", json.GetProperty("operationId").GetString());
        Assert.Empty(log.Exceptions);
    }

    [Fact]
    public async Task While_a_start_up_restore_runs_only_health_operations_and_documentation_answer()
    {
        await using var starting = new StartingService();

        foreach (var path in new[] { "/api/backup/list", "/api/backup/export-metadata", "/api/backup/x.tar.gz", "/api/backup/x.tar.gz/files", "/api/retention/plan" })
        {
            using var refused = await starting.Client.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(503, (int)refused.StatusCode);
            Assert.Equal("2", Assert.Single(refused.Headers.GetValues("Retry-After")));
            Assert.Contains("\"fault\":\"notReady\"", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using var create = await starting.Client.PostAsync(new Uri("/api/backup/create", UriKind.Relative), null);
        Assert.Equal(503, (int)create.StatusCode);
        using var ready = await starting.Client.GetAsync(new Uri("/api/health/ready", UriKind.Relative));
        Assert.Equal(503, (int)ready.StatusCode);
        Assert.Contains("\"ready\":false", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        foreach (var path in new[] { "/api/health/live", "/api/operations", "/openapi/v1.json", "/" })
        {
            using var answered = await starting.Client.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(200, (int)answered.StatusCode);
        }
    }

    private static async Task<(HttpContext Context, Kept Log)> AnswerAsync(Exception failure)
    {
        var log = new Kept();
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        await new FaultAnswers(_ => throw failure, log).InvokeAsync(context);
        return (context, log);
    }

    private static JsonElement Body(HttpContext context) => JsonDocument.Parse(((MemoryStream)context.Response.Body).ToArray()).RootElement;

    private sealed class Kept : ILogger<FaultAnswers>
    {
        public List<Exception?> Exceptions { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Exceptions.Add(exception);
    }
}
