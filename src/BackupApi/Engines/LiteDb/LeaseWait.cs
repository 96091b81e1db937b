using BackupApi.Files;

namespace BackupApi.Engines.LiteDb;

/// <summary>Wins read leases on a data file and its log between two operations of their owner, and keeps the book of how long he waited for us.</summary>
internal sealed class LeaseWait
{
    private static readonly TimeSpan FirstWindow = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestWindow = TimeSpan.FromMilliseconds(200);

    /// <summary>Pause between two tries, a few microseconds: the gap of a busy owner is shorter than any sleep.</summary>
    private const int SpinsBetweenTries = 100;

    /// <summary>A file that cannot be copied within the bound is not held again and again in vain.</summary>
    private const int OverrunsAllowed = 3;

    private readonly TimeProvider clock;
    private readonly TimeSpan bound;
    private int overruns;

    public LeaseWait(LiteDbSettings settings, TimeProvider clock)
    {
        this.clock = clock;
        var half = FileLease.KernelBound() / 2;
        bound = half < settings.LeaseBound ? half : settings.LeaseBound;
        IsPossible = settings.AllowLease && bound > TimeSpan.Zero;
    }

    /// <summary>False once it is known that leases are not allowed, not given here, or too short for this file.</summary>
    public bool IsPossible { get; private set; }

    /// <summary>The longest time that an owner who was waiting had been held off.</summary>
    public TimeSpan LongestWait { get; private set; }

    /// <summary>Tries without a pause for a while that grows with each attempt (20 to 200 ms); null when somebody had a file open for writing all the time.</summary>
    public HeldLeases? Take(LivePair live, int attempt, CancellationToken ct)
    {
        var window = FirstWindow * Math.Pow(2, Math.Min(attempt - 1, 10));
        window = window < LongestWindow ? window : LongestWindow;
        var started = clock.GetTimestamp();
        while (IsPossible && clock.GetElapsedTime(started) < window)
        {
            ct.ThrowIfCancellationRequested();
            if (TryTake(live) is { } held)
            {
                return held;
            }

            Thread.SpinWait(SpinsBetweenTries);
        }

        return null;
    }

    /// <summary>Lets the owner go; false when he was held longer than the bound, which makes the copy a failed attempt.</summary>
    public bool End(HeldLeases held)
    {
        held.Dispose();
        if (held.HadWaiter && held.Held > LongestWait)
        {
            LongestWait = held.Held;
        }

        if (held.Held <= bound)
        {
            return true;
        }

        IsPossible &= ++overruns < OverrunsAllowed;
        return false;
    }

    private HeldLeases? TryTake(LivePair live)
    {
        var answer = FileLease.TryTake(live.Data, clock, out var data);
        if (answer == LeaseAnswer.Granted)
        {
            // Only now: before, an owner might still have made a log.
            live.OpenLog();
            FileLease? log = null;
            answer = live.Log is null ? LeaseAnswer.Granted : FileLease.TryTake(live.Log, clock, out log);
            if (answer == LeaseAnswer.Granted)
            {
                return new HeldLeases(data!, log, bound);
            }

            data!.Dispose();
        }

        IsPossible = answer != LeaseAnswer.NotPossible;
        return null;
    }
}

/// <summary>Both leases, from the moment the first was given.</summary>
internal sealed class HeldLeases(FileLease data, FileLease? log, TimeSpan bound) : IDisposable
{
    public TimeSpan Held => data.Held;

    public bool HadWaiter => data.HasWaiter || (log?.HasWaiter ?? false);

    /// <summary>False before the bound is reached: on a busy machine this process may be put aside between here and the release.</summary>
    public bool MayGoOn() => data.Held < bound * 0.7;

    public void Dispose()
    {
        // The data file last: an owner opens it first, and its lease is the one that was timed.
        log?.Dispose();
        data.Dispose();
    }
}
