using BackupApi.Model;
using BackupApi.Operations.Restore;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

public sealed class BackupLineTests
{
    private static readonly Backup[] NewestFirst = [Make(8), Make(7), Make(6, Trigger.Safety), Make(5), Make(4, Trigger.Safety), Make(3), Make(2), Make(1)];

    [Fact]
    public void Without_a_restore_all_backups_but_the_safety_ones_are_the_line() => Assert.Equal("8 7 5 3 2 1", Line(null));

    [Fact]
    public void After_a_restore_it_goes_on_from_the_restored_backup() => Assert.Equal("8 7 5 2 1", Line(Full(2, after: 4)));

    [Fact]
    public void After_an_undo_it_goes_on_from_the_safety_backup_and_what_led_to_that_one() =>
        Assert.Equal("8 7 4 3 2 1", Line(Full(4, after: 6) with { Earlier = [Full(2, after: 4)] }));

    [Fact]
    public void After_two_restores_what_led_to_the_second_one_is_judged_by_the_first() =>
        Assert.Equal("8 7 5 1", Line(Full(5, after: 6) with { Earlier = [Full(1, after: 4)] }));

    [Fact]
    public void After_an_undo_by_kept_files_what_was_taken_in_between_is_another_line() =>
        Assert.Equal("8 7 3 2 1", Line(Full(0, after: 6) with { TakesBack = true, Restored = 3, Earlier = [Full(1, after: 3)] }));

    [Fact]
    public void An_archive_of_somewhere_else_begins_a_new_line() => Assert.Equal("8 7", Line(Full(0, after: 6)));

    [Fact]
    public void A_restore_of_some_paths_turns_the_line_of_its_databases_only()
    {
        var some = Full(1, after: 6) with { Paths = ["a"], Databases = ["a/one.db"], Earlier = [Full(2, after: 4)] };

        Assert.Equal("8 7 1", Line(some, "a/one.db"));
        Assert.Equal("8 7 5 2 1", Line(some, "two.db"));
    }

    [Fact]
    public void Event_logs_that_were_restored_alone_leave_the_state_on_its_line()
    {
        var logs = Full(1, after: 6) with { Mode = RestoreMode.Eventlog, Databases = ["events.db"], Earlier = [Full(2, after: 4)] };

        Assert.Equal("8 7 5 2 1", Line(logs, "state.db"));
        Assert.Equal("8 7 1", Line(logs, "events.db"));
    }

    [Fact]
    public void A_record_of_an_earlier_version_is_placed_by_its_safety_backup_else_by_its_time()
    {
        var old = new RestoreOrigin { BackupName = "b2", ArchivePath = "", SafetyBackup = "b4", At = DateTimeOffset.UnixEpoch };

        Assert.Equal("8 7 5 2 1", Line(old));
        Assert.Equal("8 7 2 1", Line(old with { SafetyBackup = null, At = DateTimeOffset.UnixEpoch.AddHours(6) }));
    }

    private static string Line(RestoreOrigin? last, string database = "x.db") => string.Join(' ', BackupLine.Of(NewestFirst, last, database).Select(backup => backup.Sequence));

    private static RestoreOrigin Full(long restored, long after) => new() { BackupName = $"b{restored}", ArchivePath = "", After = after, Restored = restored, At = DateTimeOffset.UnixEpoch };

    private static Backup Make(long sequence, Trigger trigger = Trigger.Manual) => new()
    {
        Name = $"b{sequence}",
        Path = "",
        SizeBytes = 1,
        Sequence = sequence,
        CreatedAt = DateTimeOffset.UnixEpoch.AddHours(sequence),
        Trigger = trigger,
        IsOurs = true,
    };
}
