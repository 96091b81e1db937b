namespace BackupApi.Operations;

/// <summary>When the next scheduled backup is due, as the scheduler last said.</summary>
internal sealed class ScheduleState
{
    private long nextTicks;

    /// <summary>Null when none is scheduled.</summary>
    public DateTimeOffset? NextAt
    {
        get => Interlocked.Read(ref nextTicks) is var ticks and > 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        set => Interlocked.Exchange(ref nextTicks, value?.UtcTicks ?? 0);
    }
}
