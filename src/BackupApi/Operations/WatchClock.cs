using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Notices a wall clock that was set, by a clock that cannot be: the two must go on alike.</summary>
internal sealed class WatchClock(TimeProvider clock)
{
    /// <summary>NTP steers a clock by fractions of a second; more than this was a jump.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    private (DateTimeOffset Wall, long Steady) last = (clock.GetUtcNow(), clock.GetTimestamp());
    private ClockJump? jump;

    /// <summary>The last jump, until a backup was proven after it; null when there is none. Called by one at a time.</summary>
    public ClockJump? Look(IReadOnlyList<Backup> backups)
    {
        var now = (Wall: clock.GetUtcNow(), Steady: clock.GetTimestamp());
        var by = now.Wall - last.Wall - clock.GetElapsedTime(last.Steady, now.Steady);
        last = now;
        if (by.Duration() > Tolerance)
        {
            jump = new ClockJump(now.Wall, by, backups.Count == 0 ? 0 : backups.Max(b => b.Sequence));
        }

        if (jump is not null && backups.Any(b => b.IsProven && b.Sequence > jump.HighestSequence))
        {
            jump = null;
        }

        return jump;
    }
}
