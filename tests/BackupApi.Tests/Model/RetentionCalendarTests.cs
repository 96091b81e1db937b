using BackupApi.Model;
using Xunit;
using static BackupApi.Tests.Model.SampleBackups;

namespace BackupApi.Tests.Model;

public class RetentionCalendarTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    private static RetentionPlan Plan(RetentionRules rules, IEnumerable<Backup> backups, TimeZoneInfo? zone = null, DateTimeOffset? now = null) =>
        new RetentionPolicy(10) { Rules = rules, TimeZone = zone ?? TimeZoneInfo.Utc }.Plan(backups, now ?? Noon);

    [Fact]
    public void The_classic_set_keeps_at_most_sixteen_after_a_year_and_a_half_of_hours()
    {
        // Rotation runs after each backup, as in life: what it removed cannot be chosen later.
        var backups = new List<Backup>();
        var from = new DateTimeOffset(2025, 5, 7, 0, 0, 0, TimeSpan.Zero);
        var now = from;
        for (var i = 1; now < Noon; i++, now = from.AddHours(i - 1))
        {
            backups = [.. Plan(RetentionRules.Classic, [.. backups, Make(i, now)], now: now).Keep];
            Assert.InRange(backups.Count, 1, 16);
        }

        var slots = Plan(RetentionRules.Classic, backups).Decisions.SelectMany(d => d.Slots).ToList();
        Assert.Contains("daily 2026-11-20", slots, StringComparer.Ordinal);
        Assert.Contains("weekly 2026-11-15", slots, StringComparer.Ordinal);
        Assert.Equal(12, slots.Count(s => s.StartsWith("monthly", StringComparison.Ordinal)));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), Assert.Single(Plan(RetentionRules.Classic, backups).Decisions, d => d.Slots.Contains("yearly 2026", StringComparer.Ordinal)).Backup.CreatedAt);
        Assert.All(Plan(RetentionRules.Classic, backups).Decisions.Where(d => d.Slots.Any(s => s.StartsWith("monthly", StringComparison.Ordinal))), d => Assert.Equal(1, d.Backup.CreatedAt.Day));
    }

    [Fact]
    public void A_period_is_held_by_its_first_proven_backup()
    {
        var day = Noon.Date;
        Backup[] backups = [Make(1, new DateTimeOffset(day, TimeSpan.Zero), proven: false), Make(2, Noon.AddHours(-3)), Make(3, Noon.AddHours(-2)), Make(4, Noon)];

        var plan = Plan(new RetentionRules { Daily = 7 }, backups);

        Assert.Equal(["4", "2"], NamesOf(plan.Keep));
        Assert.Equal(["daily 2026-11-20"], plan.Decisions.Single(d => d.Backup.Sequence == 2).Slots);
    }

    [Fact]
    public void Days_on_which_nothing_was_proven_push_no_proven_day_out()
    {
        Backup[] backups = [.. Enumerable.Range(1, 20).Select(i => Make(i, Noon.AddDays(i - 20), proven: i <= 4))];

        Assert.Equal(["20", "4", "3", "2"], NamesOf(Plan(new RetentionRules { Daily = 3 }, backups).Keep));
    }

    [Fact]
    public void Midnight_is_that_of_the_time_zone()
    {
        // 23:30 UTC is 00:30 of the next day in Berlin.
        Backup[] backups = [Make(1, new DateTimeOffset(2026, 11, 18, 23, 30, 0, TimeSpan.Zero)), Make(2, new DateTimeOffset(2026, 11, 19, 20, 0, 0, TimeSpan.Zero)), Make(3, Noon)];

        Assert.Equal(["daily 2026-11-19"], Plan(new RetentionRules { Daily = 5 }, backups, Berlin).Decisions[2].Slots);
        Assert.Equal(["3", "1"], NamesOf(Plan(new RetentionRules { Daily = 5 }, backups, Berlin).Keep));
        Assert.Equal(["3", "2", "1"], NamesOf(Plan(new RetentionRules { Daily = 5 }, backups).Keep));
    }

    [Fact]
    public void The_hour_that_a_clock_change_repeats_counts_as_two()
    {
        var first = new DateTimeOffset(2026, 10, 25, 0, 0, 0, TimeSpan.Zero);

        var plan = Plan(new RetentionRules { Hourly = 24 }, [Make(1, first), Make(2, first.AddHours(1))], Berlin);

        Assert.Equal(["hourly 2026-10-25T02+01:00", "hourly 2026-10-25T02+02:00"], [.. plan.Decisions.SelectMany(d => d.Slots.Where(s => s.StartsWith("hourly", StringComparison.Ordinal)))]);
    }

    [Fact]
    public void A_backup_from_the_future_takes_no_place_and_is_not_lost_to_a_clock_that_went_back()
    {
        Backup[] backups = [Make(1, Noon.AddYears(9)), .. Enumerable.Range(2, 5).Select(i => Make(i, Noon.AddDays(i - 6)))];

        var plan = Plan(new RetentionRules { Yearly = 1, Daily = 2 }, backups);

        Assert.Equal(["6", "5", "2", "1"], NamesOf(plan.Keep));
        Assert.DoesNotContain(plan.Decisions, d => d.Slots.Contains("yearly 2035", StringComparer.Ordinal));
    }

    [Fact]
    public void By_age_the_three_newest_and_the_newest_proven_stay_whatever_the_clock_says()
    {
        Backup[] backups = [Make(1, Noon.AddDays(-100)), Make(2, Noon.AddDays(-40)), .. Enumerable.Range(3, 3).Select(i => Make(i, Noon.AddDays(i - 33), proven: false))];
        var rules = new RetentionRules { MaxAge = TimeSpan.FromDays(35) };

        Assert.Equal(["5", "4", "3", "2"], NamesOf(Plan(rules, backups).Keep));
        Assert.Equal(["5", "4", "3", "2"], NamesOf(Plan(rules, backups, now: Noon.AddYears(30)).Keep));
    }

    [Fact]
    public void Over_the_total_size_the_unproven_go_first_and_then_the_oldest()
    {
        Backup[] backups = [Make(1, Noon.AddHours(-4)), Make(2, Noon.AddHours(-3)), Make(3, Noon.AddHours(-2), proven: false), Make(4, Noon.AddHours(-1)), Make(5, Noon)];

        Assert.Equal(["5", "4", "2", "1"], NamesOf(Plan(new RetentionRules { MaxTotalBytes = 4500 }, backups).Keep));
        Assert.Equal(["5", "4"], NamesOf(Plan(new RetentionRules { MaxTotalBytes = 2000 }, backups).Keep));
        Assert.Equal(["5"], NamesOf(Plan(new RetentionRules { MaxTotalBytes = 1 }, backups).Keep));
    }

    [Fact]
    public void An_archive_over_the_largest_size_stays_only_while_it_is_the_newest()
    {
        var rules = new RetentionRules { MaxArchiveBytes = 5000 };
        Backup[] backups = [Make(1, Noon.AddHours(-2)), Make(2, Noon.AddHours(-1), size: 9000)];

        Assert.Equal(["2", "1"], NamesOf(Plan(rules, backups).Keep));
        Assert.Equal(["3", "1"], NamesOf(Plan(rules, [.. backups, Make(3, Noon)]).Keep));
    }
}
