using System.Threading.Channels;
using BackupApi.Model;

namespace BackupApi.Operations.Alerts;

/// <summary>Tells the dead man's switch of each backup, in their order: one that hears of a success before its start waits in vain for the next.</summary>
internal sealed class PingDesk(AlertSettings settings, SendAlert send, TimeProvider clock)
{
    /// <summary>What may wait while it does not answer. The last word counts; older ones are dropped.</summary>
    private const int MaxWaiting = 4;

    private readonly Channel<string> queue = Channel.CreateBounded<string>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
    private volatile Failure? failure;

    /// <summary>What it said, and since when it does not take what it is told; empty when all is well.</summary>
    public IReadOnlyList<(string Channel, string Error, DateTimeOffset Since)> Failing => failure is { } now ? [("ping", now.Error, now.Since)] : [];

    public void Begun() => Tell("/start");

    public void Ended(bool wentWell) => Tell(wentWell ? "" : "/fail");

    /// <summary>Brings what is told to the switch until the service stops.</summary>
    public async Task DeliverAsync(CancellationToken ct)
    {
        if (settings.PingUrl is not { } url)
        {
            return;
        }

        await foreach (var suffix in queue.Reader.ReadAllAsync(ct))
        {
            failure = await DeliverAsync(url, suffix, ct) is { } error ? failure ?? new Failure(error, clock.GetUtcNow()) : null;
        }
    }

    /// <summary>Tries until it is taken, or until there is something newer to tell.</summary>
    private async Task<string?> DeliverAsync(Uri url, string suffix, CancellationToken ct)
    {
        for (var pause = BackOff.First; await send.PingAsync(url, suffix, ct) is { } error; pause = BackOff.After(pause))
        {
            failure ??= new Failure(error, clock.GetUtcNow());
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct);
            await Task.WhenAny(Task.Delay(pause, clock, either.Token), queue.Reader.WaitToReadAsync(either.Token).AsTask());
            await either.CancelAsync();
            ct.ThrowIfCancellationRequested();
            if (queue.Reader.Count > 0)
            {
                return error;
            }
        }

        return null;
    }

    private void Tell(string suffix)
    {
        if (settings.PingUrl is not null)
        {
            queue.Writer.TryWrite(suffix);
        }
    }

    private sealed record Failure(string Error, DateTimeOffset Since);
}
