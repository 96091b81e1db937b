using System.Globalization;
using BackupApi.Model.Timing;
using Xunit;

namespace BackupApi.Tests.Model;

/// <summary>Where clocks are set forward and back: no run is doubled, and none is lost.</summary>
public class TimetableTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    private static ScheduleRule Cron(string text) => new() { Cron = text };

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static List<string> Runs(ScheduleRule rule, TimeZoneInfo zone, string from, string to)
    {
        var runs = new List<string>();
        for (var at = rule.NextAfter(Utc(from), zone); at < Utc(to); at = rule.NextAfter(at.Value, zone))
        {
            runs.Add(TimeZoneInfo.ConvertTime(at.Value, zone).ToString("dd HH:mmzzz", CultureInfo.InvariantCulture));
        }

        return runs;
    }

    [Fact]
    public void A_time_that_comes_twice_is_run_once() =>
        Assert.Equal(["24 02:30+02:00", "25 02:30+02:00", "26 02:30+01:00"], Runs(Cron("30 2 * * *"), Berlin, "2026-10-23T12:00", "2026-10-26T12:00"));

    [Fact]
    public void A_time_that_is_left_out_is_run_when_the_gap_ends() =>
        Assert.Equal(["28 02:30+01:00", "29 03:00+02:00", "30 02:30+02:00"], Runs(Cron("30 2 * * *"), Berlin, "2026-03-27T12:00", "2026-03-30T12:00"));

    [Fact]
    public void Two_times_in_one_gap_are_one_run() =>
        Assert.Equal(["29 01:50+01:00", "29 03:00+02:00", "29 03:10+02:00"], Runs(Cron("10,50 1-3 * * *"), Berlin, "2026-03-29T00:20", "2026-03-29T01:45"));

    [Fact]
    public void Hourly_runs_go_on_by_elapsed_time_when_the_clock_is_set_back() =>
        Assert.Equal(["25 01:00+02:00", "25 02:00+02:00", "25 02:00+01:00", "25 03:00+01:00"], Runs(Cron("0 * * * *"), Berlin, "2026-10-24T22:30", "2026-10-25T02:30"));

    [Fact]
    public void Hourly_runs_go_on_by_elapsed_time_when_the_clock_is_set_forward() =>
        Assert.Equal(["29 01:00+01:00", "29 03:00+02:00", "29 04:00+02:00"], Runs(Cron("0 * * * *"), Berlin, "2026-03-28T23:30", "2026-03-29T02:30"));

    [Theory]
    [InlineData("Europe/Berlin")]
    [InlineData("America/New_York")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("America/St_Johns")]
    [InlineData("Pacific/Apia")]
    [InlineData("Africa/Casablanca")]
    [InlineData("UTC")]
    public void Over_two_years_hourly_runs_are_an_hour_apart_and_daily_ones_are_one_on_each_day(string zoneName)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(zoneName);
        var (from, to) = (Utc("2011-01-01T12:00"), Utc("2013-01-01T12:00"));

        var hours = 0;
        var last = Cron("0 * * * *").NextAfter(from, zone)!.Value;
        for (var at = Cron("0 * * * *").NextAfter(last, zone)!.Value; at < to; at = Cron("0 * * * *").NextAfter(at, zone)!.Value)
        {
            // Half an hour where a zone moves by half an hour.
            Assert.InRange(at - last, TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(90));
            (last, hours) = (at, hours + 1);
        }

        Assert.InRange(hours, (365 + 366) * 24 - 5, (365 + 366) * 24 + 5);
        foreach (var time in new[] { "00:00", "00:30", "01:59", "02:00", "02:30", "23:59" })
        {
            var rule = new ScheduleRule { Frequency = ScheduleFrequency.Daily, Time = time };
            var days = new List<DateTime>();
            for (var at = rule.NextAfter(from, zone)!.Value; at < to; at = rule.NextAfter(at, zone)!.Value)
            {
                days.Add(TimeZoneInfo.ConvertTime(at, zone).Date);
            }

            // Apia left December 30th 2011 out altogether.
            Assert.Equal(days.Distinct().Count(), days.Count);
            Assert.InRange(days.Count, zoneName == "Pacific/Apia" ? 730 : 731, 732);
        }
    }

    [Fact]
    public void A_weekly_schedule_runs_on_its_day() =>
        Assert.Equal(["22 02:00+01:00", "29 02:00+01:00"], Runs(new ScheduleRule { Frequency = ScheduleFrequency.Weekly, Time = "2:00", Weekday = 0 }, Berlin, "2026-11-20T12:00", "2026-12-05T12:00"));

    [Fact]
    public void Of_several_schedules_the_first_one_due_is_next()
    {
        var table = new Timetable([Cron("0 2 * * *"), ScheduleRule.Every(TimeSpan.FromHours(6))], TimeZoneInfo.Utc, TimeSpan.Zero);

        Assert.Equal(Utc("2026-11-21T02:00"), table.NextAfter(Utc("2026-11-20T22:00")));
        Assert.Equal(Utc("2026-11-20T16:00"), table.NextAfter(Utc("2026-11-20T10:00")));
        Assert.Equal(Utc("2026-11-21T08:00"), table.FreshUntil(Utc("2026-11-20T22:00")));
    }

    [Fact]
    public void Jitter_delays_by_less_than_its_bound_by_the_same_each_time_asked_and_differently_elsewhere()
    {
        var tables = Enumerable.Range(0, 200).Select(i => new Timetable([], TimeZoneInfo.Utc, TimeSpan.FromMinutes(10), $"host-{i}")).ToList();
        var due = Utc("2026-11-20T12:00");

        var delays = tables.ConvertAll(t => t.BeginOf(due) - due);

        Assert.All(delays, delay => Assert.InRange(delay, TimeSpan.Zero, TimeSpan.FromMinutes(10)));
        Assert.Equal(delays, tables.ConvertAll(t => t.BeginOf(due) - due));
        Assert.True(delays.Distinct().Count() > 150);
        Assert.InRange(delays.Average(d => d.TotalMinutes), 3.5, 6.5);
    }

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData(500L, null, null, null)]
    [InlineData(3600000L, "0 * * * *", null, null)]
    [InlineData(3600000L, null, "02:00", null)]
    [InlineData(null, "0 0 30 2 *", null, null)]
    public void A_rule_that_is_not_exactly_one_form_is_refused(long? interval, string? cron, string? time, int? weekday) =>
        Assert.Throws<FormatException>(new ScheduleRule { IntervalMs = interval, Cron = cron, Time = time, Weekday = weekday }.Check);

    [Theory]
    [InlineData("25:00", null)]
    [InlineData(null, null)]
    [InlineData("02:00", 3)]
    public void A_wrong_simple_form_is_refused(string? time, int? weekday) =>
        Assert.Throws<FormatException>(new ScheduleRule { Frequency = ScheduleFrequency.Daily, Time = time, Weekday = weekday }.Check);
}
