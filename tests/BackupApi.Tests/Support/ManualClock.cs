namespace BackupApi.Tests.Support;

/// <summary>A clock that stands still until it is told to go on; timers and delays made of it fire in the order they are due.</summary>
public sealed class ManualClock(DateTimeOffset now) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<Timer> timers = [];
    private DateTimeOffset wall = now;
    private long elapsedTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
        {
            return wall;
        }
    }

    public override long GetTimestamp()
    {
        lock (gate)
        {
            return elapsedTicks;
        }
    }

    /// <summary>Lets time pass, stopping at each timer that becomes due.</summary>
    public void Advance(TimeSpan by)
    {
        var end = GetTimestamp() + by.Ticks;
        while (true)
        {
            Timer? next;
            lock (gate)
            {
                next = timers.Where(t => t.DueTicks <= end).MinBy(t => t.DueTicks);
                var until = Math.Max(next?.DueTicks ?? end, elapsedTicks);
                wall += TimeSpan.FromTicks(until - elapsedTicks);
                elapsedTicks = until;
                next?.Rearm();
            }

            if (next is null)
            {
                return;
            }

            next.Fire();
        }
    }

    /// <summary>Sets the wall clock, as an administrator or NTP does; time itself does not pass.</summary>
    public void Jump(TimeSpan by)
    {
        lock (gate)
        {
            wall += by;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period;

        public long DueTicks { get; private set; } = long.MaxValue;

        public void Fire() => callback(state);

        public void Rearm() => DueTicks = period > TimeSpan.Zero ? DueTicks + period.Ticks : long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            lock (clock.gate)
            {
                period = newPeriod;
                DueTicks = dueTime < TimeSpan.Zero ? long.MaxValue : clock.elapsedTicks + dueTime.Ticks;
                if (!clock.timers.Contains(this))
                {
                    clock.timers.Add(this);
                }
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock.gate)
            {
                clock.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
