namespace BackupApi.Model.Timing;

/// <summary>From times of a wall clock to instants, where the clock is set forward and back.</summary>
internal static class LocalTimes
{
    private static readonly TimeSpan Window = TimeSpan.FromDays(2);

    /// <summary>Where a calendar left a whole day out (Samoa, 2011), that day has no runs.</summary>
    private static readonly TimeSpan WholeDay = TimeSpan.FromHours(12);

    /// <summary>The next instant at a time of day. A time that is left out comes at the end of the gap; one that comes twice counts the first time.</summary>
    public static DateTimeOffset? NextOnce(CronTimes times, DateTimeOffset after, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(after, zone).DateTime;
        while (times.NextAfter(local) is { } next)
        {
            if (FirstInstant(next, zone) is { } instant && instant > after)
            {
                return instant;
            }

            local = next;
        }

        return null;
    }

    /// <summary>The next instant, as elapsed time goes: a repeated hour has its runs twice, and one that is left out has none because it does not pass.</summary>
    public static DateTimeOffset? NextElapsed(CronTimes times, DateTimeOffset after, TimeZoneInfo zone)
    {
        while (true)
        {
            var local = TimeZoneInfo.ConvertTime(after, zone);
            if (times.NextAfter(local.DateTime) is not { } next)
            {
                return null;
            }

            // At most one change of the clock may lie between the two.
            if (next - local.DateTime > Window)
            {
                after = new DateTimeOffset(next.AddDays(-1), local.Offset);
                continue;
            }

            var instant = new DateTimeOffset(next, local.Offset);
            if (zone.GetUtcOffset(instant) == local.Offset)
            {
                return instant.ToUniversalTime();
            }

            var change = FirstOfOtherOffset(after, instant, local.Offset, zone);
            var offset = zone.GetUtcOffset(change);
            if (times.NextAfter(change.ToOffset(offset).DateTime.AddTicks(-1)) is { } afterChange && afterChange - change.ToOffset(offset).DateTime <= Window)
            {
                return new DateTimeOffset(afterChange, offset).ToUniversalTime();
            }

            after = change;
        }
    }

    /// <summary>The first instant at which a wall clock shows this time, or would have passed it; null on a day that was left out.</summary>
    /// <remarks>Asks the zone for offsets of instants only: its own answers about local times are off by a millisecond where a clock changes at midnight.</remarks>
    private static DateTimeOffset? FirstInstant(DateTime local, TimeZoneInfo zone)
    {
        var asUtc = new DateTimeOffset(local, TimeSpan.Zero);
        var (before, later) = (zone.GetUtcOffset(asUtc.AddHours(-36)), zone.GetUtcOffset(asUtc.AddHours(36)));
        foreach (var offset in before > later ? new[] { before, later } : [later, before])
        {
            if (zone.GetUtcOffset(asUtc - offset) == offset)
            {
                return asUtc - offset;
            }
        }

        return later - before > WholeDay ? null : FirstOfOtherOffset(asUtc.AddHours(-36), asUtc.AddHours(36), before, zone);
    }

    /// <summary>To the second; clocks change at whole ones.</summary>
    private static DateTimeOffset FirstOfOtherOffset(DateTimeOffset from, DateTimeOffset to, TimeSpan offset, TimeZoneInfo zone)
    {
        var (low, high) = (from.ToUnixTimeSeconds(), to.ToUnixTimeSeconds());
        while (high - low > 1)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = zone.GetUtcOffset(DateTimeOffset.FromUnixTimeSeconds(middle)) == offset ? (middle, high) : (low, middle);
        }

        return DateTimeOffset.FromUnixTimeSeconds(high);
    }
}
