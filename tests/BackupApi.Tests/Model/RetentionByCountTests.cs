using BackupApi.Model;
using Xunit;
using static BackupApi.Tests.Model.SampleBackups;

namespace BackupApi.Tests.Model;

public class RetentionByCountTests
{
    private static string[] Kept(int limit, params IEnumerable<Backup> backups) => NamesOf(new RetentionPolicy(limit).Plan(backups, Noon).Keep);

    [Fact]
    public void The_newest_stay_up_to_the_number() => Assert.Equal(["5", "4", "3"], Kept(3, Hourly(5)));

    [Fact]
    public void A_burst_evicts_itself_before_it_evicts_history()
    {
        var burst = Enumerable.Range(4, 4).Select(i => Make(i, Noon.AddMinutes(i)));

        Assert.Equal(["7", "3", "2", "1"], Kept(4, [.. Hourly(3).Select(b => b with { CreatedAt = b.CreatedAt.AddHours(-1) }), .. burst]));
    }

    [Fact]
    public void The_newest_proven_backup_outlives_any_number_of_later_ones_that_are_not()
    {
        var failing = Enumerable.Range(2, 20).Select(i => Make(i, Noon.AddHours(i), proven: false));

        Assert.Equal(["21", "20", "1"], Kept(2, [Make(1, Noon), .. failing]));
    }

    [Fact]
    public void A_proven_backup_goes_only_once_a_newer_one_is_proven()
    {
        Backup[] before = [Make(1, Noon), Make(2, Noon.AddHours(1), proven: false), Make(3, Noon.AddHours(2), proven: false)];

        Assert.Contains("1", Kept(1, before), StringComparer.Ordinal);
        Assert.Equal(["4"], Kept(1, [.. before, Make(4, Noon.AddHours(3))]));
    }

    [Fact]
    public void The_newest_backup_in_which_a_database_was_proven_stays_while_that_database_is_damaged()
    {
        Backup[] backups =
        [
            Make(1, Noon, true, 1, Trigger.Schedule, null, Database("a.db", true), Database("b.db", true)),
            .. Enumerable.Range(2, 5).Select(i => Make(i, Noon.AddHours(i), false, 1, Trigger.Schedule, null, Database("a.db", true), Database("b.db", false))),
        ];

        var plan = new RetentionPolicy(1).Plan(backups, Noon);

        Assert.Equal(["6", "1"], NamesOf(plan.Keep));
        Assert.Contains("newest in which b.db was proven", plan.Decisions[^1].Reasons, StringComparer.Ordinal);
        Assert.Contains("newest in which a.db was proven", plan.Decisions[0].Reasons, StringComparer.Ordinal);
    }

    [Fact]
    public void A_pinned_and_a_foreign_archive_stay_and_take_nobodys_place()
    {
        Backup[] backups = [Make(1, Noon, pins: ["by request"]), Make(0, Noon) with { IsOurs = false }, .. Enumerable.Range(2, 3).Select(i => Make(i, Noon.AddHours(i)))];

        Assert.Equal(["4", "3", "1", "0"], Kept(2, backups));
    }

    [Fact]
    public void Safety_backups_are_counted_apart()
    {
        Backup[] backups = [.. Enumerable.Range(1, 5).Select(i => Make(i, Noon.AddHours(i), trigger: Trigger.Safety)), .. Enumerable.Range(6, 3).Select(i => Make(i, Noon.AddHours(i)))];

        Assert.Equal(["8", "7", "5", "4", "3"], NamesOf(new RetentionPolicy(2, 3).Plan(backups, Noon).Keep));
    }

    [Fact]
    public void Order_is_the_sequence_number_and_not_the_clock()
    {
        Backup[] backups = [Make(1, Noon.AddYears(5)), Make(2, Noon), Make(3, Noon.AddHours(1))];

        Assert.Equal(["3", "2"], Kept(2, backups));
    }

    [Fact]
    public void Each_removal_says_which_rule_it_was()
    {
        var removed = Assert.Single(new RetentionPolicy(2).Plan(Hourly(3), Noon).Decisions, d => !d.Keep);

        Assert.Equal(["over the limit of 2"], removed.Reasons);
    }
}
