using System.Globalization;
using System.Text.Json.Serialization;

namespace BackupApi.Model.Timing;

internal enum ScheduleFrequency
{
    Daily,
    Weekly,
}

/// <summary>One rule of when a backup is due, in one of three forms: an interval, a cron expression, or a time of day.</summary>
internal sealed record ScheduleRule
{
    private const long LeastInterval = 1000;
    private const long LongestInterval = 31_622_400_000;

    /// <summary>Milliseconds from run to run, from 1 second to 366 days.</summary>
    public long? IntervalMs { get; init; }

    /// <summary>Five fields: minute, hour, day of month, month, weekday.</summary>
    public string? Cron { get; init; }

    public ScheduleFrequency? Frequency { get; init; }

    /// <summary>Hour and minute of the simple form: <c>02:00</c>.</summary>
    public string? Time { get; init; }

    /// <summary>Of a weekly one: 0 is Sunday.</summary>
    public int? Weekday { get; init; }

    [JsonIgnore]
    public bool IsInterval => IntervalMs is not null;

    public static ScheduleRule Every(TimeSpan interval) => new() { IntervalMs = (long)interval.TotalMilliseconds };

    /// <exception cref="FormatException">Says what is wrong with it.</exception>
    public void Check()
    {
        var forms = (IntervalMs is null ? 0 : 1) + (Cron is null ? 0 : 1) + (Frequency is null ? 0 : 1);
        if (forms != 1)
        {
            throw new FormatException("a schedule has exactly one of intervalMs, cron and frequency");
        }

        if (Frequency is not (null or ScheduleFrequency.Daily or ScheduleFrequency.Weekly))
        {
            throw new FormatException("frequency is daily or weekly");
        }

        if (IntervalMs is < LeastInterval or > LongestInterval)
        {
            throw new FormatException("intervalMs is from 1000 (1 second) to 31622400000 (366 days)");
        }

        if (Frequency is null && (Time is not null || Weekday is not null))
        {
            throw new FormatException("time and weekday belong to a frequency of daily or weekly");
        }

        if ((Frequency == ScheduleFrequency.Weekly) != Weekday is not null || Weekday is < 0 or > 6)
        {
            throw new FormatException("a weekly schedule, and only that, has a weekday from 0 (Sunday) to 6 (Saturday)");
        }

        _ = IsInterval ? null : Times();
    }

    /// <summary>The next instant, strictly later; null when there is none.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset after, TimeZoneInfo zone)
    {
        if (IntervalMs is { } interval)
        {
            return after.AddMilliseconds(interval);
        }

        var times = Times();
        return times.IsEveryHour ? LocalTimes.NextElapsed(times, after, zone) : LocalTimes.NextOnce(times, after, zone);
    }

    private CronTimes Times()
    {
        if (Cron is not null)
        {
            return CronTimes.Parse(Cron);
        }

        if (!TimeOnly.TryParseExact(Time, ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            throw new FormatException("time is hour and minute, such as 02:00");
        }

        return CronTimes.Parse(string.Create(CultureInfo.InvariantCulture, $"{time.Minute} {time.Hour} * * {(Weekday is { } day ? day.ToString(CultureInfo.InvariantCulture) : "*")}"));
    }
}
