using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LiteDb;

/// <summary>Copies a data file and its log as one unit while their owner writes.</summary>
/// <remarks>
/// What the format gives: a commit only appends to the log; the data file changes only in a checkpoint, which ends by truncating the log.
/// So a data file that stood still, with any whole-page prefix of the log of that time, is a committed state.
/// Two ways to see it stand still, tried in turn until one succeeds or patience ends:
/// <list type="bullet">
/// <item><b>lease</b>: where the kernel grants a read lease on both files nobody has them open for writing (an owner in shared mode between
/// two operations, or none at all), and whoever opens them waits. The copy is brought up to them, within <see cref="LiteDbSettings.LeaseBound"/>, and the owner let go.</item>
/// <item><b>compare and patch</b>: for an owner in direct mode, who keeps the files open. Each pass compares the whole data file with the copy and patches what differs,
/// between two readings of the log. Accepted when a pass found no difference, inode, size, mtime and ctime of the data file are those it had
/// before the pass and <see cref="LivePair.StampTick"/> earlier (so that a coarse clock cannot hide a write), and the first reading of the log is a prefix of the second.</item>
/// </list>
/// Lease first, briefly: it costs an owner in direct mode nothing and a closed file is done at once. Its window grows with every round, for busy owners in shared mode.
/// No lock is taken, nothing is written beside the files, and no handle of ours outlives an attempt.
/// </remarks>
internal sealed class LiteDbCapture
{
    /// <summary>Passes between two tries for a lease: the second sees no difference where the first had one, unless there was a checkpoint again.</summary>
    private const int PassesInARow = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>How much may be missing from the copy when a lease is asked for; the rest is copied before.</summary>
    private const long UnleasedFrom = 16 << 20;

    private readonly LiteDbSettings settings;
    private readonly TimeProvider clock;
    private readonly bool isLogPaged;
    private readonly string dataPath;
    private readonly string logPath;
    private readonly string logName;
    private readonly LeaseWait leases;

    /// <param name="isLogPaged">False for LiteDB v4, whose journal is not an append-only row of pages: it must not change at all.</param>
    public LiteDbCapture(LiteDbSettings settings, TimeProvider clock, string dataPath, string logPath, string logName, bool isLogPaged)
    {
        (this.settings, this.clock, this.isLogPaged) = (settings, clock, isLogPaged);
        (this.dataPath, this.logPath, this.logName) = (dataPath, logPath, logName);
        leases = new LeaseWait(settings, clock);
    }

    /// <summary>Fills both copies with one committed state.</summary>
    public async Task<LiteDbCaptured> RunAsync(StagedCopy data, StagedCopy log, CancellationToken ct)
    {
        var started = clock.GetTimestamp();
        var isMissing = false;
        for (var attempt = 1; ; attempt++)
        {
            using (var live = LivePair.Open(dataPath, logPath))
            {
                isMissing = live is null;
                if (live is not null && await TryAsync(live, data, log, attempt, ct) is { } captured)
                {
                    return captured with { Attempts = attempt, OwnerHeld = leases.LongestWait };
                }
            }

            if (clock.GetElapsedTime(started) > settings.Patience)
            {
                throw isMissing ? Gone() : Busy(attempt);
            }

            await Task.Delay(Pause, clock, ct);
        }
    }

    private async Task<LiteDbCaptured?> TryAsync(LivePair live, StagedCopy data, StagedCopy log, int attempt, CancellationToken ct)
    {
        if (live.DataStat.Size - data.Length > UnleasedFrom)
        {
            _ = data.Patch(live.Data, 0, live.DataStat.Size, static () => true, ct);
        }

        if (leases.Take(live, attempt, ct) is { } held)
        {
            using (held)
            {
                var captured = CopyUnderLease(live, data, log, held, ct);
                if (leases.End(held) && captured is not null)
                {
                    return captured;
                }
            }
        }

        for (var pass = 0; pass < PassesInARow && live.IsInPlace(); pass++)
        {
            if (await CompareAndPatchAsync(live, data, log, ct) is { } captured)
            {
                return captured;
            }
        }

        return null;
    }

    private LiteDbCaptured? CopyUnderLease(LivePair live, StagedCopy data, StagedCopy log, HeldLeases held, CancellationToken ct)
    {
        if (!live.IsInPlace() || data.Patch(live.Data, 0, live.DataStat.Size, held.MayGoOn, ct) is null)
        {
            return null;
        }

        var logStat = live.LogStat;
        var length = Whole(logStat?.Size ?? 0);
        return PatchLog(live, log, 0, length, held.MayGoOn, ct) ? Accepted("lease", live.DataStat, logStat, length) : null;
    }

    private async Task<LiteDbCaptured?> CompareAndPatchAsync(LivePair live, StagedCopy data, StagedCopy log, CancellationToken ct)
    {
        var before = live.DataStat;
        await Task.Delay(live.StampTick, clock, ct);
        var wasQuiet = live.DataStat.Fingerprint == before.Fingerprint;

        var first = Whole(live.LogStat?.Size ?? 0);
        if (!PatchLog(live, log, 0, first, static () => true, ct))
        {
            return null;
        }

        var changed = data.Patch(live.Data, 0, before.Size, static () => true, ct);
        live.OpenLog();
        var logStat = live.LogStat;
        var last = Whole(logStat?.Size ?? 0);
        if (changed != 0 || !wasQuiet || last < first || (!isLogPaged && last != first))
        {
            return null;
        }

        var captured = Accepted("compare and patch", before, logStat, last);
        return PatchLog(live, log, first, last, static () => true, ct)
            && (live.Log is null || log.IsPrefixOf(live.Log, ct))
            && live.DataStat.Fingerprint == before.Fingerprint && live.IsInPlace() && (live.LogStat?.Size ?? 0) >= last
            ? captured
            : null;
    }

    private static bool PatchLog(LivePair live, StagedCopy log, long from, long to, Func<bool> mayGoOn, CancellationToken ct)
    {
        if (live.Log is not null)
        {
            return log.Patch(live.Log, from, to, mayGoOn, ct) is not null;
        }

        log.Clear();
        return true;
    }

    private LiteDbCaptured Accepted(string method, FileStat data, FileStat? log, long logLength)
    {
        var cut = (log?.Size ?? 0) - logLength;
        return new LiteDbCaptured(method, clock.GetUtcNow(), data, logLength > 0 ? log : null)
        {
            // An append in progress looks the same for a moment, but not while a lease is held.
            Warnings = cut > 0 && method == "lease"
                ? [new Finding(PathText.Show(logName), $"The log ends inside a page: its last {cut} bytes were cut off, as the engine does.")]
                : [],
        };
    }

    private long Whole(long length) => isLogPaged ? length - (length % PageFormat.Size) : length;

    private BackupException Gone() => new(
        Fault.NotFound,
        $"The database {PathText.Show(dataPath)} is not there.",
        "If its owner removed it, nothing is to be done; otherwise restore it from a backup.");

    private BackupException Busy(int attempts) => new(
        Fault.SourceBusy,
        $"No moment was found in {settings.Patience.TotalSeconds:0} s and {attempts} attempts in which {PathText.Show(dataPath)} stood still.",
        leases.IsPossible
            ? "Let its owner write less at the time of the backup, raise its CHECKPOINT pragma, or stop it for the backup."
            : "An owner in shared mode checkpoints at every operation: open the database in direct mode, or let this service hold it for a moment (run it as the user that owns the file or with CAP_LEASE, on a local disk).");
}

/// <summary>A committed state that was copied, and how.</summary>
internal sealed record LiteDbCaptured(string Method, DateTimeOffset At, FileStat Data, FileStat? Log)
{
    public int Attempts { get; init; } = 1;

    public TimeSpan OwnerHeld { get; init; }

    public IReadOnlyList<Finding> Warnings { get; init; } = [];
}
