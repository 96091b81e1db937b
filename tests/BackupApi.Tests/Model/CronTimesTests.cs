using System.Globalization;
using BackupApi.Model.Timing;
using Xunit;

namespace BackupApi.Tests.Model;

public class CronTimesTests
{
    private static string? Next(string cron, string after) =>
        CronTimes.Parse(cron).NextAfter(DateTime.Parse(after, CultureInfo.InvariantCulture))?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("0 * * * *", "2026-11-20 12:00", "2026-11-20 13:00")]
    [InlineData("*/15 * * * *", "2026-11-20 12:46", "2026-11-20 13:00")]
    [InlineData("30 2 * * *", "2026-11-20 02:30", "2026-11-21 02:30")]
    [InlineData("30 2 * * *", "2026-11-20 02:29:59", "2026-11-20 02:30")]
    [InlineData("0 0 1 * *", "2026-11-20 12:00", "2026-12-01 00:00")]
    [InlineData("0 0 29 2 *", "2026-11-20 12:00", "2028-02-29 00:00")]
    [InlineData("0 0 29 2 1", "2026-11-20 12:00", "2027-02-01 00:00")]
    [InlineData("0 9-17/4 * * MON-FRI", "2026-11-20 17:00", "2026-11-23 09:00")]
    [InlineData("5,10 3 * JAN,jul 7", "2026-11-20 12:00", "2027-01-03 03:05")]
    [InlineData("0 12 15 * 5", "2026-11-13 12:00", "2026-11-15 12:00")]
    [InlineData("50/5 23 * * *", "2026-11-20 23:56", "2026-11-21 23:50")]
    [InlineData("@daily", "2026-12-31 23:59", "2027-01-01 00:00")]
    [InlineData("  @weekly ", "2026-11-20 12:00", "2026-11-22 00:00")]
    public void The_next_time_is_the_one_crontab_means(string cron, string after, string expected) => Assert.Equal(expected, Next(cron, after));

    [Theory]
    [InlineData("")]
    [InlineData("* * * *")]
    [InlineData("0 0 2 * * *")]
    [InlineData("60 * * * *")]
    [InlineData("* 24 * * *")]
    [InlineData("* * 0 * *")]
    [InlineData("* * * 13 *")]
    [InlineData("* * * * 8")]
    [InlineData("5-1 * * * *")]
    [InlineData("*/0 * * * *")]
    [InlineData("1/2/3 * * * *")]
    [InlineData("1-2-3 * * * *")]
    [InlineData(", * * * *")]
    [InlineData("-1 * * * *")]
    [InlineData("99999999999 * * * *")]
    [InlineData("0 0 30 2 *")]
    [InlineData("0 0 31 4,6,9,11 *")]
    [InlineData("x * * * *")]
    public void Anything_else_is_refused_in_words(string cron) => Assert.NotEmpty(Assert.Throws<FormatException>(() => CronTimes.Parse(cron)).Message);
}
