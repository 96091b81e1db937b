using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Cli;

/// <summary>What is asked of the running service over HTTP: the image has no curl.</summary>
/// <param name="key">Reads the key to call with, when there is one; asked only when something is called.</param>
internal sealed class ServiceCommands(Uri? address, Func<string?> key, TextWriter output)
{
    /// <summary>The backup was taken, but something is missing from it.</summary>
    public const int Partial = 2;

    /// <summary>Characters of an answer that a probe repeats; the container runtime keeps 4,096 bytes.</summary>
    private const int LongestShown = 1000;

    /// <summary>Shorter than the time the image grants its probe, so that the reason is still told.</summary>
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(4);

    /// <summary>0 when the service answers <paramref name="path"/> with success, 1 otherwise; the answer is printed.</summary>
    public async Task<int> ProbeAsync(string path, CancellationToken ct)
    {
        using var client = Client(ProbePatience);
        try
        {
            using var answer = await client.GetAsync(path, ct);
            var text = await answer.Content.ReadAsStringAsync(ct);
            await output.WriteLineAsync($"{(int)answer.StatusCode} {text[..Math.Min(text.Length, LongestShown)]}");
            return answer.IsSuccessStatusCode ? 0 : CommandLine.Failed;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            await output.WriteLineAsync($"no answer from {client.BaseAddress}: {e.Message}");
            return CommandLine.Failed;
        }
    }

    /// <summary>Takes a backup and waits for it, however long it takes.</summary>
    public async Task<int> CreateAsync(string? label, CancellationToken ct)
    {
        using var client = Client(Timeout.InfiniteTimeSpan);
        try
        {
            using var answer = await client.PostAsJsonAsync("/api/backup/create", new { label }, ct);
            var text = await answer.Content.ReadAsStringAsync(ct);
            return answer.IsSuccessStatusCode ? Show(text) : throw Refusal((int)answer.StatusCode, text);
        }
        catch (HttpRequestException e)
        {
            throw new BackupException(
                Fault.NotFound, $"There is no answer from {client.BaseAddress}: {e.Message.TrimEnd('.')}.", "Run this beside the running service, or set BACKUPAPI_URL to its address.", e);
        }
    }

    private HttpClient Client(TimeSpan patience)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (address is { IsLoopback: true })
        {
            // Our own process on this machine: its certificate names the address the world uses, not this one.
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        }

        var client = new HttpClient(handler)
        {
            BaseAddress = address ?? throw new BackupException(
                Fault.InvalidRequest, "The address of the service cannot be told from its settings.", "Set BACKUPAPI_URL, for instance to http://127.0.0.1:5050."),
            Timeout = patience,
        };
        if (key() is { } secret)
        {
            client.DefaultRequestHeaders.TryAddWithoutValidation("X-Api-Key", secret);
        }

        return client;
    }

    private int Show(string text)
    {
        using var answer = JsonDocument.Parse(text);
        var outcome = Word(answer, "outcome");
        output.WriteLine($"{Word(answer, "name")}: {Word(answer, "size")} bytes, outcome {outcome}, verification {Word(answer, "verification")}, SHA-256 {Word(answer, "sha256")}");
        foreach (var finding in Findings(answer, "errors").Concat(Findings(answer, "warnings")))
        {
            output.WriteLine($"  {finding}");
        }

        return outcome == "partial" ? Partial : 0;
    }

    /// <summary>The problem answer as the exception it was made from.</summary>
    private static BackupException Refusal(int status, string text)
    {
        try
        {
            using var problem = JsonDocument.Parse(text);
            return new BackupException(Fault.InvalidRequest, Word(problem, "detail"), Word(problem, "hint"));
        }
        catch (JsonException)
        {
            return new BackupException(Fault.Internal, $"The service answered {status}.", "Its log tells more.");
        }
    }

    private static string Word(JsonDocument answer, string name) =>
        answer.RootElement.ValueKind == JsonValueKind.Object && answer.RootElement.TryGetProperty(name, out var value) ? value.ToString() : "";

    private static IEnumerable<string> Findings(JsonDocument answer, string name) =>
        answer.RootElement.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(finding => $"{finding.GetProperty("where").GetString()}: {finding.GetProperty("message").GetString()}")
            : [];
}
