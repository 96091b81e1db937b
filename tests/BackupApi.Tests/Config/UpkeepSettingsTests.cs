using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Config;

public sealed class UpkeepSettingsTests : IDisposable
{
    private readonly SettingsCase settings = new();

    public void Dispose() => settings.Dispose();

    [Fact]
    public void Nothing_is_looked_after_unless_it_is_named_and_then_on_Sundays_and_daily_at_three()
    {
        Assert.Empty(settings.Good().Upkeep);

        var rule = Assert.Single(settings.Good(("Backup__Upkeep__0__Database", "/data/shop.db")).Upkeep);
        Assert.Equal(("data/shop.db", "0 3 * * 0", "0 3 * * *"), (rule.Database, rule.Vacuum?.Cron, rule.Analyze?.Cron));
    }

    [Fact]
    public void Each_has_times_of_its_own_or_none()
    {
        var good = settings.Good(("Backup__Upkeep__0__Database", "a.db"), ("Backup__Upkeep__0__Vacuum", "never"), ("Backup__Upkeep__1__Database", "b.db"), ("Backup__Upkeep__1__Analyze", "15 4 1 * *"), ("Backup__UpkeepWindow", "00:30:00"));

        Assert.Equal([new UpkeepRule("a.db", null, new() { Cron = "0 3 * * *" }), new UpkeepRule("b.db", new() { Cron = "0 3 * * 0" }, new() { Cron = "15 4 1 * *" })], good.Upkeep);
        Assert.Equal(TimeSpan.FromMinutes(30), good.UpkeepWindow);
    }

    [Theory]
    [InlineData("../a.db", "0 3 * * *")]
    [InlineData("a/../../b.db", "0 3 * * *")]
    [InlineData("", "0 3 * * *")]
    [InlineData("a.db", "at night")]
    [InlineData("a.db", "0 3 30 2 *")]
    public void A_path_out_of_storage_and_a_time_that_is_none_are_errors(string database, string vacuum) =>
        Assert.Single(settings.Errors(("Backup__Upkeep__0__Database", database), ("Backup__Upkeep__0__Vacuum", vacuum)));

    [Fact]
    public void A_collector_must_have_an_address() =>
        Assert.StartsWith("OTEL_EXPORTER_OTLP_ENDPOINT", Assert.Single(settings.Errors(("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"))), StringComparison.Ordinal);
}
