namespace BackupApi.Tests.Support;

/// <summary>The system's clock, but long waits are short: who waits a second to see whether a file still grows waits a hundredth of it.</summary>
internal sealed class HurriedClock : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, Shorter(dueTime), Shorter(period));

    private static TimeSpan Shorter(TimeSpan wait) => wait >= TimeSpan.FromMilliseconds(500) ? wait / 100 : wait;
}
