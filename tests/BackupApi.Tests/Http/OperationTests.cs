using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>A service whose backups take about two seconds, whatever the machine.</summary>
public sealed class SlowBackups : IAsyncLifetime
{
    internal RunningService Service { get; } = new(
        folder =>
        {
            var noise = new byte[4_000_000];
            new Random(7).NextBytes(noise);
            folder.File("storage/noise.bin", noise);
        },
        ("Backup__MaxMBPerSecond", "2"));

    public Task InitializeAsync() => Service.InitializeAsync();

    public Task DisposeAsync() => Service.DisposeAsync();
}

/// <summary>Work that takes its time: asked for, watched, refused, left alone.</summary>
public sealed class OperationTests(SlowBackups slow) : IClassFixture<SlowBackups>, IAsyncLifetime
{
    private readonly RunningService service = slow.Service;

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>The next test begins with nothing running.</summary>
    public async Task DisposeAsync()
    {
        while ((await service.GetAsync("/api/operations")).Json.GetProperty("operations").EnumerateArray().Any(operation => operation.GetProperty("state").GetString() != "ended"))
        {
            await Task.Delay(50);
        }
    }

    [Fact]
    public async Task Without_waiting_the_answer_says_where_to_ask_and_listen()
    {
        using var response = await service.Client.PostAsync(new Uri("/api/backup/create?wait=false", UriKind.Relative), null);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

        Assert.Equal(202, (int)response.StatusCode);
        var id = json.GetProperty("operationId").GetString();
        Assert.Equal($"/api/operations/{id}", response.Headers.Location?.ToString());
        Assert.Equal("running", (await service.GetAsync($"/api/operations/{id}")).Json.GetProperty("state").GetString());

        var events = await service.Client.GetStringAsync(new Uri($"/api/operations/{id}/events", UriKind.Relative));
        var told = events.Split('\n').Where(line => line.StartsWith("data: {\"id\"", StringComparison.Ordinal)).Select(line => JsonDocument.Parse(line[6..]).RootElement).ToList();
        Assert.True(told.Count > 1);
        Assert.Equal("ended", told[^1].GetProperty("state").GetString());
        Assert.Equal("ok", told[^1].GetProperty("outcome").GetString());
        Assert.EndsWith("event: end\ndata: {}\n\n", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_operation_is_refused_with_the_first_ones_id()
    {
        var (_, first) = await service.PostAsync("/api/backup/create?wait=false");
        var (status, problem) = await service.PostAsync("/api/backup/create");

        Assert.Equal(409, status);
        Assert.Equal("busy", problem.GetProperty("fault").GetString());
        Assert.Equal(first.GetProperty("operationId").GetString(), problem.GetProperty("operationId").GetString());
    }

    [Fact]
    public async Task The_same_key_is_the_same_operation()
    {
        var first = service.SendAsync(HttpMethod.Post, "/api/backup/create", null, ("Idempotency-Key", "k1"));
        var second = service.SendAsync(HttpMethod.Post, "/api/backup/create", null, ("Idempotency-Key", "k1"));
        await Task.WhenAll(first, second);
        var third = await service.SendAsync(HttpMethod.Post, "/api/backup/create", null, ("Idempotency-Key", "k1"));

        Assert.Equal(200, third.Status);
        Assert.Single(new[] { await first, await second, third }.Select(answer => answer.Json.GetProperty("name").GetString()).Distinct(StringComparer.Ordinal));
        Assert.Equal(400, (await service.SendAsync(HttpMethod.Post, "/api/backup/create", null, ("Idempotency-Key", new string('k', 256)))).Status);
    }

    [Fact]
    public async Task A_client_that_hangs_up_does_not_stop_the_operation()
    {
        var before = await CountAsync("/api/backup/list", "backups");
        var operations = await CountAsync("/api/operations", "operations");
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(service.Client.BaseAddress!.Host, service.Client.BaseAddress.Port);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST /api/backup/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
            while (await CountAsync("/api/operations", "operations") == operations)
            {
                await Task.Delay(20);
            }

            socket.Client.LingerState = new LingerOption(true, 0);
        }

        JsonElement operation;
        do
        {
            await Task.Delay(50);
            operation = (await service.GetAsync("/api/operations")).Json.GetProperty("operations")[0];
        }
        while (operation.GetProperty("state").GetString() != "ended");

        Assert.Equal("ok", operation.GetProperty("outcome").GetString());
        Assert.Equal(before + 1, await CountAsync("/api/backup/list", "backups"));
    }

    [Fact]
    public async Task All_operations_are_told_to_whoever_listens()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/operations/events", UriKind.Relative));
        using var response = await service.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("retry: 2000", await reader.ReadLineAsync());

        var (_, accepted) = await service.PostAsync("/api/backup/create?wait=false");
        string? line;
        while (!(line = await reader.ReadLineAsync())!.StartsWith("data: ", StringComparison.Ordinal))
        {
        }

        Assert.Contains(accepted.GetProperty("operationId").GetString()!, line, StringComparison.Ordinal);
    }

    private async Task<int> CountAsync(string path, string list) => (await service.GetAsync(path)).Json.GetProperty(list).GetArrayLength();
}
