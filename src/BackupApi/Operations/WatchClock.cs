using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Notices a wall clock that was set, by a clock that cannot be: the two must go on alike.</summary>
internal sealed class WatchClock(TimeProvider clock)
{
    /// <summary>NTP steers a clock by fractions of a second; more than this was a jump.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    private (DateTimeOffset Wall, long Steady) last = (clock.GetUtcNow(), clock.GetTimestamp());
    private ClockJump? jump;
    private (string? Name, DateTimeOffset? ConfirmedAt) before;

    /// <summary>The last jump, until a backup was proven or confirmed after it; null when there is none. Called by one at a time.</summary>
    public ClockJump? Look(IReadOnlyList<Backup> backups)
    {
        var now = Read();
        var by = now.Wall - last.Wall - clock.GetElapsedTime(last.Steady, now.Steady);
        last = now;
        if (by.Duration() > Tolerance)
        {
            jump = new ClockJump(now.Wall, by);
            before = NewestProven(backups);
        }

        if (jump is not null && NewestProven(backups) != before)
        {
            jump = null;
        }

        return jump;
    }

    /// <summary>Both clocks at one moment: a process that was held up between the two readings would see a jump that was none.</summary>
    private (DateTimeOffset Wall, long Steady) Read()
    {
        while (true)
        {
            var (first, wall, second) = (clock.GetTimestamp(), clock.GetUtcNow(), clock.GetTimestamp());
            if (clock.GetElapsedTime(first, second) < Tolerance / 2)
            {
                return (wall, second);
            }
        }
    }

    private static (string? Name, DateTimeOffset? ConfirmedAt) NewestProven(IReadOnlyList<Backup> newestFirst) =>
        newestFirst.FirstOrDefault(b => b.IsProven) is { } newest ? (newest.Name, newest.ConfirmedAt) : default;
}
