using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Http;

/// <summary>Whatever is sent to whichever call: an answer in time, never a bug, and nothing outside the folders is read or touched.</summary>
public sealed class FuzzTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Canary = "the canary outside the folders";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly RunningService service = new(static folder =>
    {
        folder.File("storage/a.txt", "hello"u8);
        folder.File("storage/sub/b.txt", "world"u8);
        folder.File("outside/canary.txt", Encoding.ASCII.GetBytes(Canary));
    });

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public Task Thousands_of_strange_requests_meet_no_bug() => FuzzAsync(requests: 3_000, seed: 20261120);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(1)]
    [InlineData(2)]
    public Task Tens_of_thousands_of_strange_requests_meet_no_bug(int seed) => FuzzAsync(requests: 20_000, seed);

    private async Task FuzzAsync(int requests, int seed)
    {
        var name = await service.TakeBackupAsync();
        var calls = await CallsAsync();
        Assert.True(calls.Count > 20);
        var outside = Outside();
        var strange = new StrangeRequests(seed, [name, "a.txt", "sub/b.txt", "../outside/canary.txt", service.Folder["outside/canary.txt"]]);
        var all = Enumerable.Range(0, requests).Select(i => strange.Make(calls[i % calls.Count])).ToList();
        var statuses = new int[600];
        var wrong = new List<string>();
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = 8, RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1 };
        using var client = new HttpClient(handler) { BaseAddress = service.Client.BaseAddress, Timeout = Timeout.InfiniteTimeSpan };
        var watch = Stopwatch.StartNew();

        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (request, _) =>
        {
            var (status, complaint) = await SendAsync(client, request);
            lock (wrong)
            {
                statuses[status]++;
                if (complaint is not null)
                {
                    wrong.Add($"{request}: {complaint}");
                }
            }
        });

        output.WriteLine($"{requests} requests in {watch.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s; " +
            string.Join(", ", statuses.Select((count, status) => (count, status)).Where(pair => pair.count > 0).Select(pair => $"{pair.status}: {pair.count}")));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
        Assert.Equal(outside, Outside());
        Assert.Equal(200, (await service.GetAsync("/api/health/live")).Status);
        Assert.True(statuses[200] > 0 && statuses[400] > 0 && statuses[404] > 0, "the requests are too strange to reach anything");
    }

    private async Task<(int Status, string? Complaint)> SendAsync(HttpClient client, StrangeRequest strange)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            using var request = strange.ToMessage(service.Client.BaseAddress!);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            var status = (int)response.StatusCode;
            var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            var text = isStream ? "" : await response.Content.ReadAsStringAsync(patience.Token);
            return (status, status switch
            {
                500 => $"500 {text}",
                501 or 502 or > 503 and not 507 => $"{status} {text}",
                _ when text.Contains(Canary, StringComparison.Ordinal) => "the canary was read",
                >= 400 when text.Length > 0 && request.Method != HttpMethod.Head && !IsProblemOrHealth(text) => $"{status} is no problem answer: {text}",
                _ => null,
            });
        }
        catch (OperationCanceledException)
        {
            return (0, $"no answer in {Patience.TotalSeconds} s");
        }
        catch (HttpRequestException e)
        {
            // The server ends connections whose bytes are no HTTP; what it may not do is stop answering, which the last request shows.
            return (1, strange.MayBeCut ? null : e.ToString());
        }
    }

    private static bool IsProblemOrHealth(string text)
    {
        using var json = JsonDocument.Parse(text);
        return json.RootElement.TryGetProperty("fault", out _) || json.RootElement.TryGetProperty("reasons", out _) || json.RootElement.TryGetProperty("ready", out _);
    }

    /// <summary>Everything beside the three folders: names, contents, times.</summary>
    private string Outside() => string.Join('\n',
        Directory.EnumerateFileSystemEntries(service.Folder.Path).Order(StringComparer.Ordinal)
            .Append(service.Folder["outside/canary.txt"])
            .Append(File.ReadAllText(service.Folder["outside/canary.txt"]))
            .Append(File.GetLastWriteTimeUtc(service.Folder["outside/canary.txt"]).Ticks.ToString(CultureInfo.InvariantCulture))
            .Concat(Directory.EnumerateFileSystemEntries(service.Folder["outside"])));

    private async Task<List<DescribedCall>> CallsAsync()
    {
        var (_, document) = await service.GetAsync("/openapi/v1.json");
        return [.. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => DescribedCall.Of(method.Name, path.Name, method.Value, document)))];
    }
}
