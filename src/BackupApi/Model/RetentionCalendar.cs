using System.Globalization;

namespace BackupApi.Model;

/// <summary>Fills the places of a calendar: the newest hours, days, weeks, months and years that have a backup, each with its first proven one.</summary>
/// <remarks>
/// The first of a period, because it never changes while the period goes on: Sunday's first stays the week's, that of the first of January the year's.
/// Periods that have a proven backup come before those that have none, so that failing backups push no good one out.
/// </remarks>
internal static class RetentionCalendar
{
    /// <summary>How far ahead of our clock a backup may be dated before the calendar is no longer believed for it.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(1);

    /// <param name="newestFirst">The backups that take part.</param>
    public static void Fill(RetentionDraft draft, List<Backup> newestFirst, RetentionRules rules, TimeZoneInfo zone, DateTimeOffset now)
    {
        foreach (var (backup, index) in newestFirst.Take(Math.Max(1, rules.Recent)).Select((backup, index) => (backup, index)))
        {
            draft.Fill(backup, string.Create(CultureInfo.InvariantCulture, $"recent {index + 1} of {Math.Max(1, rules.Recent)}"));
        }

        foreach (var backup in newestFirst.Where(b => b.CreatedAt > now + Ahead))
        {
            draft.Keep(backup, "dated in the future: no place in the calendar before that day");
        }

        var dated = newestFirst.Where(b => b.CreatedAt <= now + Ahead).Select(b => (Backup: b, Local: TimeZoneInfo.ConvertTime(b.CreatedAt, zone))).ToList();
        Fill(draft, dated, rules.Hourly, "hourly", local => local.ToString("yyyy-MM-dd'T'HHzzz", CultureInfo.InvariantCulture));
        Fill(draft, dated, rules.Daily, "daily", local => Day(local.DateTime));
        Fill(draft, dated, rules.Weekly, "weekly", local => Day(FirstDayOfWeek(local.DateTime)));
        Fill(draft, dated, rules.Monthly, "monthly", local => local.ToString("yyyy-MM", CultureInfo.InvariantCulture));
        Fill(draft, dated, rules.Yearly, "yearly", local => local.ToString("yyyy", CultureInfo.InvariantCulture));
    }

    /// <param name="period">Name of the period an instant lies in; names need not be ordered.</param>
    private static void Fill(RetentionDraft draft, List<(Backup Backup, DateTimeOffset Local)> newestFirst, int places, string kind, Func<DateTimeOffset, string> period)
    {
        var filled = newestFirst
            .GroupBy(b => period(b.Local), StringComparer.Ordinal)
            .Select(g => (Name: g.Key, Begins: StartOf(g.First().Local, kind), Holder: g.LastOrDefault(b => b.Backup.IsProven, g.Last()).Backup))
            .OrderByDescending(g => g.Holder.IsProven)
            .ThenByDescending(g => g.Begins)
            .Take(places);
        foreach (var (name, _, holder) in filled)
        {
            draft.Fill(holder, $"{kind} {name}");
        }
    }

    /// <summary>For the order of periods only, so it must not depend on which of its backups are looked at.</summary>
    private static long StartOf(DateTimeOffset local, string kind) => kind switch
    {
        "hourly" => (local.UtcTicks + (local.Offset.Ticks % TimeSpan.TicksPerHour)) / TimeSpan.TicksPerHour,
        "daily" => local.Date.Ticks,
        "weekly" => FirstDayOfWeek(local.DateTime).Ticks,
        "monthly" => (local.Year * 12) + local.Month,
        _ => local.Year,
    };

    private static DateTime FirstDayOfWeek(DateTime local) =>
        local.Date.Ticks < TimeSpan.TicksPerDay * 7 ? local.Date : local.Date.AddDays(-(int)local.DayOfWeek);

    private static string Day(DateTime local) => local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
