using System.Globalization;
using System.Numerics;

namespace BackupApi.Model.Timing;

/// <summary>A cron expression of five fields: minute, hour, day of month, month, weekday (0 or 7 is Sunday), as crontab(5) describes them, and its <c>@daily</c> names.</summary>
/// <remarks>Times here are those of a calendar without a zone; <see cref="ScheduleRule"/> brings them to instants.</remarks>
internal sealed class CronTimes
{
    private const int LongestText = 200;

    /// <summary>The rarest date comes within this time: February 29th on a given weekday, over a century year without one.</summary>
    private const int YearsSearched = 41;

    private static readonly string[] Months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    private static readonly string[] Weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    private readonly ulong minutes;
    private readonly ulong hours;
    private readonly ulong days;
    private readonly ulong months;
    private readonly ulong weekdays;
    private readonly bool eitherDay;

    private CronTimes(string[] fields)
    {
        minutes = ParseField(fields[0], "minute", 0, 59, []);
        hours = ParseField(fields[1], "hour", 0, 23, []);
        days = ParseField(fields[2], "day of month", 1, 31, []);
        months = ParseField(fields[3], "month", 1, 12, Months);
        var week = ParseField(fields[4], "weekday", 0, 7, Weekdays);
        weekdays = (week | (week >> 7)) & 0x7F;

        // crontab(5): where both days are restricted, either is enough.
        eitherDay = fields[2][0] is not ('*' or '?') && fields[4][0] is not ('*' or '?');
    }

    /// <summary>It fires in each of the 24 hours, so it means "so many times an hour" and not a time of day.</summary>
    public bool IsEveryHour => BitOperations.PopCount(hours) == 24;

    /// <exception cref="FormatException">Says which field is wrong, and that it never comes.</exception>
    public static CronTimes Parse(string text)
    {
        var expression = text.Trim().ToUpperInvariant() switch
        {
            "@HOURLY" => "0 * * * *",
            "@DAILY" or "@MIDNIGHT" => "0 0 * * *",
            "@WEEKLY" => "0 0 * * 0",
            "@MONTHLY" => "0 0 1 * *",
            "@YEARLY" or "@ANNUALLY" => "0 0 1 1 *",
            var other => other,
        };
        var fields = expression.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (expression.Length > LongestText || fields.Length != 5)
        {
            throw new FormatException($"a cron expression has five fields (minute hour day month weekday), such as 30 2 * * 1-5; this one has {fields.Length.ToString(CultureInfo.InvariantCulture)}");
        }

        var times = new CronTimes(fields);
        return times.NextAfter(new DateTime(2000, 1, 1)) is null ? throw new FormatException($"the date of '{text}' never comes") : times;
    }

    /// <summary>The next time, strictly later, to the minute; null when none comes before the calendar ends.</summary>
    public DateTime? NextAfter(DateTime local)
    {
        if (local.Year > 9000)
        {
            return null;
        }

        var from = new DateTime(local.Year, local.Month, local.Day, local.Hour, local.Minute, 0).AddMinutes(1);
        var last = from.Date.AddYears(YearsSearched);
        for (var day = from.Date; day < last; day = day.AddDays(1))
        {
            if (!Has(months, day.Month))
            {
                // On the last day of a month, so that the loop goes on with the first of the next.
                day = new DateTime(day.Year, day.Month, DateTime.DaysInMonth(day.Year, day.Month));
            }
            else if (IsDay(day) && TimeFrom(day == from.Date ? from.TimeOfDay : TimeSpan.Zero) is { } time)
            {
                return day + time;
            }
        }

        return null;
    }

    private bool IsDay(DateTime day)
    {
        var (isDay, isWeekday) = (Has(days, day.Day), Has(weekdays, (int)day.DayOfWeek));
        return eitherDay ? isDay || isWeekday : isDay && isWeekday;
    }

    private TimeSpan? TimeFrom(TimeSpan from)
    {
        for (var hour = from.Hours; hour < 24; hour++)
        {
            var left = Has(hours, hour) ? minutes >> (hour == from.Hours ? from.Minutes : 0) : 0;
            if (left != 0)
            {
                return new TimeSpan(hour, BitOperations.TrailingZeroCount(left) + (hour == from.Hours ? from.Minutes : 0), 0);
            }
        }

        return null;
    }

    private static bool Has(ulong set, int value) => (set >> value & 1) != 0;

    /// <summary>A list of <c>*</c>, <c>n</c>, <c>n-m</c>, each perhaps with <c>/step</c>, as a set of bits.</summary>
    private static ulong ParseField(string field, string name, int least, int most, string[] names)
    {
        ulong set = 0;
        foreach (var part in field.Split(','))
        {
            var slash = part.Split('/');
            var ends = slash[0].Split('-');
            var isAll = slash[0] is "*" or "?";
            var first = isAll ? least : Value(ends[0], names);
            var last = isAll || (ends.Length == 1 && slash.Length == 2) ? most : Value(ends[^1], names);
            var step = slash.Length == 1 ? 1 : Value(slash[1], []);
            if (slash.Length > 2 || ends.Length > 2 || first < least || last > most || first > last || step is < 1 or > 60)
            {
                throw new FormatException($"the {name} '{field}' is not one of {least.ToString(CultureInfo.InvariantCulture)} to {most.ToString(CultureInfo.InvariantCulture)}, a range, a list or a step");
            }

            for (var value = first; value <= last; value += step)
            {
                set |= 1UL << value;
            }
        }

        return set;
    }

    /// <summary>-1 for what is no number and no name.</summary>
    private static int Value(string text, string[] names) =>
        Array.IndexOf(names, text) is >= 0 and var index ? index + (names.Length == 12 ? 1 : 0)
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
