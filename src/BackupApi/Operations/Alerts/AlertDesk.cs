using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Alerts;

/// <summary>Takes what health and operations say, decides what is told, and brings it to every channel, each at its own pace.</summary>
internal sealed partial class AlertDesk(ServiceSettings settings, WorkFolders folders, SendAlert send, PingDesk ping, TimeProvider clock, ILogger<BackupManager> log)
{
    /// <summary>What a channel that fails may have waiting; older ones are dropped.</summary>
    private const int MaxWaiting = 100;

    private readonly ConcurrentDictionary<string, (string Error, DateTimeOffset Since)> failing = new(StringComparer.Ordinal);
    private readonly List<(AlertChannel Channel, Channel<Alert> Queue)> queues =
        [.. settings.Alerts.Channels.Select(c => (c, Channel.CreateBounded<Alert>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest })))];

    private readonly Lock gate = new();
    private IReadOnlyDictionary<string, DateTimeOffset>? told;

    /// <summary>Channels that do not take alerts, with what they said and since when.</summary>
    public IReadOnlyList<(string Channel, string Error, DateTimeOffset Since)> Failing => [.. failing.Select(f => (f.Key, f.Value.Error, f.Value.Since)), .. ping.Failing];

    private string Path => $"{folders.State}/alerts.json";

    /// <summary>Looks at a judgement of health.</summary>
    public void Look(HealthReport report)
    {
        if (queues.Count == 0)
        {
            return;
        }

        lock (gate)
        {
            var before = told ??= Load();
            // A channel that fails is told by health, and not through the channels themselves.
            var (alerts, after) = AlertRules.Decide(before, [.. report.Reasons.Where(r => r.Code != "alert-channel-failing")], clock.GetUtcNow());
            if (alerts.Count > 0)
            {
                told = after;
                alerts.ToList().ForEach(Tell);
                Store(after);
            }
        }
    }

    public void Tell(Alert alert) => queues.ForEach(q => q.Queue.Writer.TryWrite(alert));

    /// <summary>Sends a test to every channel at once and says how each took it: null is well.</summary>
    public async Task<IReadOnlyDictionary<string, string?>> TestAsync(CancellationToken ct)
    {
        var alert = new Alert(AlertKind.Test, "test", "BackupApi: test", "This is a test: alerts arrive here.", "Nothing needs to be done.", clock.GetUtcNow());
        var answers = await Task.WhenAll(settings.Alerts.Channels.Select(async c => (c.Name, Error: await send.SendAsync(c, alert, ct))));
        return answers.ToDictionary(a => a.Name, a => a.Error, StringComparer.Ordinal);
    }

    /// <summary>Brings what is told to the channels until the service stops.</summary>
    public Task DeliverAsync(CancellationToken ct) => Task.WhenAll(queues.Select(q => DeliverAsync(q.Channel, q.Queue.Reader, ct)));

    private async Task DeliverAsync(AlertChannel channel, ChannelReader<Alert> queue, CancellationToken ct)
    {
        await foreach (var alert in queue.ReadAllAsync(ct))
        {
            for (var pause = BackOff.First; await send.SendAsync(channel, alert, ct) is { } error; pause = BackOff.After(pause))
            {
                if (failing.TryAdd(channel.Name, (error, clock.GetUtcNow())))
                {
                    LogFailing(log, channel.Name, error);
                }

                await Task.Delay(pause, clock, ct);
            }

            failing.TryRemove(channel.Name, out _);
        }
    }

    /// <summary>A full disk is no reason to tell nobody of it: what could not be written down is told again after a restart.</summary>
    private void Store(IReadOnlyDictionary<string, DateTimeOffset> after)
    {
        try
        {
            AtomicFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(after, Json.Options));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotKept(log, e.Message);
        }
    }

    private Dictionary<string, DateTimeOffset> Load()
    {
        try
        {
            return File.Exists(Path) ? JsonSerializer.Deserialize<Dictionary<string, DateTimeOffset>>(File.ReadAllBytes(Path), Json.Options) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "What was told could not be written down: {Reason}")]
    private static partial void LogNotKept(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The alert channel {Channel} fails: {Reason}; it is tried again")]
    private static partial void LogFailing(ILogger logger, string channel, string reason);
}
