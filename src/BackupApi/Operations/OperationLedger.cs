using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>The record of recent operations, and of each change of the running one.</summary>
internal sealed partial class OperationLedger(TimeProvider clock, ILogger<BackupManager> log) : IDisposable
{
    /// <summary>How many ended operations are remembered.</summary>
    public const int Capacity = 500;

    /// <summary>How often a watcher of a running operation is told of its progress.</summary>
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private readonly LinkedList<Entry> newestFirst = new();
    private readonly ConcurrentDictionary<Channel<OperationRecord>, string?> watchers = new();
    private readonly CancellationTokenSource closed = new();
    private int count;

    private volatile IReadOnlyList<Action<OperationRecord>> listeners = [];

    /// <summary>Tells <paramref name="listener"/> of each operation that ends, on the thread that ended it.</summary>
    public void WhenEnded(Action<OperationRecord> listener)
    {
        lock (gate)
        {
            listeners = [.. listeners, listener];
        }
    }

    private volatile IReadOnlyList<Action<OperationRecord>> beginners = [];

    /// <summary>As <see cref="WhenEnded"/>, of each operation that begins.</summary>
    public void WhenBegun(Action<OperationRecord> listener)
    {
        lock (gate)
        {
            beginners = [.. beginners, listener];
        }
    }

    public OperationContext Open(OperationKind kind, Trigger trigger, bool begins, CancellationTokenSource cancellation)
    {
        lock (gate)
        {
            var now = clock.GetUtcNow();
            var id = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture) + "-" + (++count).ToString("D4", CultureInfo.InvariantCulture);
            var context = new OperationContext(id, kind, trigger, cancellation);
            newestFirst.AddFirst(new Entry(context, new OperationRecord
            {
                Id = id,
                Kind = kind,
                Trigger = trigger,
                State = begins ? OperationState.Running : OperationState.Waiting,
                StartedAt = now,
            }));
            while (newestFirst.Count > Capacity)
            {
                newestFirst.RemoveLast();
            }

            return context;
        }
    }

    public void Begin(OperationContext context)
    {
        var begun = Change(context, record => record with { State = OperationState.Running, StartedAt = clock.GetUtcNow() });
        Tell(beginners, begun);
    }

    public OperationRecord End(OperationContext context, Outcome outcome, BackupException? failure)
    {
        var ended = Close(context, outcome, failure);
        Tell(listeners, ended);
        return ended;
    }

    /// <summary>Whoever listens has no part in the operation: one that fails neither ends it nor keeps the others from being told.</summary>
    private void Tell(IReadOnlyList<Action<OperationRecord>> all, OperationRecord record)
    {
        foreach (var listener in all)
        {
            try
            {
                listener(record);
            }
            catch (Exception e)
            {
                LogDeaf(log, e, record.Id);
            }
        }
    }

    private OperationRecord Close(OperationContext context, Outcome outcome, BackupException? failure) => Change(context, record => record with
    {
        State = OperationState.Ended,
        EndedAt = clock.GetUtcNow(),
        Outcome = outcome,
        BytesRead = context.BytesRead,
        BytesCompressed = context.BytesCompressed,
        BytesCarriedOver = context.BytesCarriedOver,
        Confirmed = context.Confirmed,
        Fault = failure?.Fault,
        Message = failure?.Message ?? context.Summary,
        Hint = failure?.Hint,
        Warnings = context.Warnings.Count > 0 ? [.. context.Warnings] : null,
    });

    /// <summary>Records what was decided not to be done.</summary>
    public OperationRecord Skip(OperationKind kind, Trigger trigger, string why)
    {
        using var nothing = new CancellationTokenSource();
        var context = Open(kind, trigger, begins: true, nothing);
        context.Summary = why;
        return End(context, Outcome.Skipped, null);
    }

    /// <summary>The one that runs; null when none does.</summary>
    public OperationRecord? FindRunning()
    {
        lock (gate)
        {
            return newestFirst.FirstOrDefault(e => e.Record.State == OperationState.Running) is { } entry ? Current(entry) : null;
        }
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<OperationRecord> List()
    {
        lock (gate)
        {
            return [.. newestFirst.Select(Current)];
        }
    }

    public OperationRecord? Find(string id)
    {
        lock (gate)
        {
            return newestFirst.FirstOrDefault(e => e.Context.Id == id) is { } entry ? Current(entry) : null;
        }
    }

    /// <summary>How an operation stands, each change of it, and its end; of all operations, without end, when <paramref name="id"/> is null.</summary>
    public async IAsyncEnumerable<OperationRecord> WatchAsync(string? id, [EnumeratorCancellation] CancellationToken ct)
    {
        var channel = Channel.CreateBounded<OperationRecord>(new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });
        watchers[channel] = id;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, closed.Token);
            OperationRecord? last = null;
            foreach (var record in id is null ? List().Where(r => r.State != OperationState.Ended) : List().Where(r => r.Id == id))
            {
                last = record;
                yield return record;
            }

            while (!(id is not null && last?.State == OperationState.Ended) && !either.IsCancellationRequested)
            {
                var next = await NextAsync(channel.Reader, id, either.Token);
                if (next is not null && next != last)
                {
                    last = next;
                    yield return next;
                }
            }
        }
        finally
        {
            watchers.TryRemove(channel, out _);
        }
    }

    /// <summary>Ends every stream: the service is stopping.</summary>
    public void Close() => closed.Cancel();

    public void Dispose() => closed.Dispose();

    /// <summary>The next change, or how the operation stands after <see cref="ProgressInterval"/>; null when there is nothing to tell.</summary>
    private async Task<OperationRecord?> NextAsync(ChannelReader<OperationRecord> changes, string? id, CancellationToken ct)
    {
        using var tick = CancellationTokenSource.CreateLinkedTokenSource(ct);
        tick.CancelAfter(ProgressInterval);
        try
        {
            return await changes.ReadAsync(tick.Token);
        }
        catch (OperationCanceledException)
        {
            return id is not null ? Find(id) : List().FirstOrDefault(r => r.State == OperationState.Running);
        }
    }

    private OperationRecord Change(OperationContext context, Func<OperationRecord, OperationRecord> change)
    {
        OperationRecord changed;
        lock (gate)
        {
            var entry = newestFirst.FirstOrDefault(e => ReferenceEquals(e.Context, context));
            changed = change(entry is null ? throw new InvalidOperationException($"Operation {context.Id} fell out of the ledger while it ran.") : Current(entry));
            entry.Record = changed;
        }

        foreach (var (channel, id) in watchers)
        {
            if (id is null || id == changed.Id)
            {
                channel.Writer.TryWrite(changed);
            }
        }

        return changed;
    }

    private static OperationRecord Current(Entry entry)
    {
        var progress = entry.Context.Progress;
        return entry.Record.State == OperationState.Ended ? entry.Record : entry.Record with
        {
            Phase = progress.Phase,
            BytesDone = progress.BytesDone,
            BytesTotal = progress.BytesTotal,
            FilesDone = progress.FilesDone,
            FilesTotal = progress.FilesTotal,
            BackupName = entry.Context.BackupName,
        };
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Operation}: what should have been told of it was not, by a bug")]
    private static partial void LogDeaf(ILogger logger, Exception bug, string operation);

    private sealed class Entry(OperationContext context, OperationRecord record)
    {
        public OperationContext Context { get; } = context;

        public OperationRecord Record { get; set; } = record;
    }
}
