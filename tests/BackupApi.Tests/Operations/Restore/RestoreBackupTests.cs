using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

public sealed class RestoreBackupTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public RestoreBackupTests()
    {
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
        world.AddDatabase("leveldb/n-clean", "level");

        // Neither is archived: the one is the kernel's business, the other LevelDB's own log of events.
        File.Delete($"{world.Storage}/level/db/LOCK");
        File.Delete($"{world.Storage}/level/db/LOG");
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_wiped_storage_comes_back_in_every_byte_owner_mode_time_and_link()
    {
        var before = TreeImage.Of(world.Storage);
        var backup = await world.BackUpAsync();
        world.WipeStorage();

        var result = await world.RestoreAsync(backup.Name);

        Assert.True(result.Applied);
        Assert.Null(result.SafetyBackup);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Theory]
    [InlineData("sqlite/b-wal-committed")]
    [InlineData("leveldb/c-multi-level-small")]
    public async Task A_database_comes_back_with_every_count(string fixture)
    {
        world.AddDatabase(fixture, "again");
        var backup = await world.BackUpAsync();
        var counts = backup.Sources.Single(source => source.Name.StartsWith("again", StringComparison.Ordinal)).Counts;
        world.WipeStorage();

        await world.RestoreAsync(backup.Name);

        var again = await world.BackUpAsync();
        Assert.NotEmpty(counts);
        Assert.Equal(counts, again.Sources.Single(source => source.Name.StartsWith("again", StringComparison.Ordinal)).Counts);
    }

    [Fact]
    public async Task Only_what_differs_is_exchanged_and_the_answer_says_how_much_was_left_alone()
    {
        var backup = await world.BackUpAsync();
        var before = TreeImage.Of(world.Storage);
        var untouched = Posix.Stat($"{world.Storage}/same.txt");
        File.WriteAllText($"{world.Storage}/changed.txt", "changed after the backup");
        File.WriteAllText($"{world.Storage}/added.txt", "added after the backup");

        var result = await world.RestoreAsync(backup.Name);

        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Equal(untouched.Fingerprint, Posix.Stat($"{world.Storage}/same.txt").Fingerprint);
        Assert.Equal(result.Files - 1, result.Unchanged);
    }

    [Fact]
    public async Task The_state_before_is_in_the_safety_backup_and_undo_brings_it_back_and_is_undoable()
    {
        var backup = await world.BackUpAsync();
        var old = TreeImage.ContentOf(world.Storage);
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        var today = TreeImage.ContentOf(world.Storage);

        var result = await world.RestoreAsync(backup.Name);
        Assert.NotNull(result.SafetyBackup);
        Assert.Equal(old, TreeImage.ContentOf(world.Storage));

        await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false));
        Assert.Equal(today, TreeImage.ContentOf(world.Storage));

        await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false));
        Assert.Equal(old, TreeImage.ContentOf(world.Storage));
    }

    [Fact]
    public async Task A_damaged_archive_is_refused_and_storage_is_not_touched()
    {
        var backup = await world.BackUpAsync();
        using (var file = new FileStream(backup.Path, FileMode.Open))
        {
            file.Position = file.Length / 2;
            var old = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(old ^ 1));
        }

        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        var before = TreeImage.Of(world.Storage);

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));

        Assert.Equal(Fault.ArchiveDamaged, failure.Fault);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Fact]
    public async Task A_storage_in_use_is_left_alone_and_the_restore_waits_for_the_next_start()
    {
        var backup = await world.BackUpAsync();
        var old = TreeImage.Of(world.Storage);
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        var today = TreeImage.Of(world.Storage);
        RestoreResult result;
        using (await HolderProcess.StartAsync($"{world.Storage}/changed.txt", "held = open(path, 'r+b')"))
        {
            result = await world.RestoreAsync(backup.Name);
            Assert.False(result.Applied);
            Assert.Equal("changed.txt", Assert.Single(result.InUse).Where);
            Assert.Equal(today, TreeImage.Of(world.Storage));

            var early = await world.StartAsync();
            Assert.Null(early.Restored);
            Assert.Equal(Fault.StorageInUse, early.Failure!.Fault);
            Assert.Equal(backup.Name, Assert.Single(early.Staged).Where);
            Assert.Equal(today, TreeImage.Of(world.Storage));
        }

        var start = await world.StartAsync();

        Assert.True(start.Restored!.Applied);
        Assert.NotNull(start.Restored.SafetyBackup);
        Assert.Equal(old, TreeImage.Of(world.Storage));
        Assert.Null((await world.StartAsync()).Restored);
    }

    [Fact]
    public async Task A_file_that_stays_as_it_is_keeps_nobody_waiting()
    {
        var backup = await world.BackUpAsync();
        var old = TreeImage.Of(world.Storage);
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        using var reader = await HolderProcess.StartAsync($"{world.Storage}/same.txt", "held = open(path, 'r+b')");

        Assert.True((await world.RestoreAsync(backup.Name)).Applied);
        Assert.Equal(old, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task A_database_that_somebody_has_open_keeps_a_restore_waiting_even_if_it_is_unchanged_itself()
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        var backup = await world.BackUpAsync();
        var database = Directory.GetFiles($"{world.Storage}/sql").First(path => Posix.Stat(path).Size > 100);
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        using var owner = await HolderProcess.StartAsync(database, "held = open(path, 'r+b')");

        Assert.False((await world.RestoreAsync(backup.Name)).Applied);
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    [Fact]
    public async Task Where_nothing_differs_nothing_is_exchanged_and_no_time_changes()
    {
        var backup = await world.BackUpAsync();
        var before = TreeImage.Of(world.Storage);
        var untouched = Posix.Stat($"{world.Storage}/same.txt");

        var result = await world.RestoreAsync(backup.Name);

        Assert.True(result.Applied);
        Assert.Equal(result.Files, result.Unchanged);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Equal(untouched.Fingerprint, Posix.Stat($"{world.Storage}/same.txt").Fingerprint);
    }

    [Fact]
    public async Task Force_swaps_a_storage_in_use_at_once()
    {
        var backup = await world.BackUpAsync();
        var old = TreeImage.Of(world.Storage);
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        using var owner = await HolderProcess.StartAsync($"{world.Storage}/changed.txt", "held = open(path, 'r+b')");

        var result = await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true });

        Assert.True(result.Applied);
        Assert.Equal(old, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task A_partial_restore_of_a_database_removes_its_stale_side_files_and_leaves_all_else()
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        var backup = await world.BackUpAsync();
        var database = Directory.GetFiles($"{world.Storage}/sql").First(path => Posix.Stat(path).Size > 100);
        using (await HolderProcess.StartAsync(database, "import sqlite3; held = sqlite3.connect(path, isolation_level=None); held.execute('pragma journal_mode=wal'); held.execute('create table later(x)')"))
        {
        }

        Assert.True(File.Exists(database + "-wal"));
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");

        await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Paths = [Path.GetRelativePath(world.Storage, database)] });

        Assert.False(File.Exists(database + "-wal"));
        Assert.False(File.Exists(database + "-shm"));
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.True(Directory.Exists($"{world.Storage}/level"));
    }

    [Fact]
    public async Task A_partial_restore_brings_deep_files_back_with_the_folders_they_need()
    {
        var backup = await world.BackUpAsync();
        TreeRemoval.Remove($"{world.Storage}/deep");
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");

        await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Paths = ["deep/**/sam?"] });

        Assert.Equal("the same", File.ReadAllText($"{world.Storage}/deep/a/b/same"));
        Assert.False(File.Exists($"{world.Storage}/deep/a/b/changed"));
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    [Fact]
    public async Task A_backup_can_be_unpacked_beside_what_lives()
    {
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");

        var result = await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Paths = ["changed.txt", "whole"], To = "old/today" });

        Assert.Null(result.SafetyBackup);
        Assert.Equal("old", File.ReadAllText($"{world.Storage}/old/today/changed.txt"));
        Assert.Equal(["one", "two"], Posix.ListNames($"{world.Storage}/old/today/whole"));
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    [Theory]
    [InlineData("../out")]
    [InlineData("/abs")]
    [InlineData(".backup/x")]
    [InlineData("whole")]
    [InlineData("link/x")]
    public async Task A_target_that_is_not_a_new_folder_of_storage_is_refused(string to)
    {
        var backup = await world.BackUpAsync();

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, To = to }));

        Assert.Equal(Fault.InvalidRequest, failure.Fault);
    }

    [Fact]
    public async Task A_free_LevelDB_lock_stays_where_it_is_and_the_database_opens()
    {
        var level = $"{world.Storage}/level/db";
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{level}/LOCK", "");
        File.WriteAllText($"{level}/000999.log", "");
        var held = Posix.Stat($"{level}/LOCK").Inode;

        await world.RestoreAsync(backup.Name);

        Assert.Equal(held, Posix.Stat($"{level}/LOCK").Inode);
        Assert.False(File.Exists($"{level}/000999.log"));
    }

    [Fact]
    public async Task A_nested_mount_in_the_way_is_refused_before_the_first_step()
    {
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/whole/one", "work of today");
        using var mount = TestMount.Bind(world.Temp.Folder("elsewhere"), $"{world.Storage}/whole");

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));

        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.Contains("whole", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_single_file_that_is_mounted_there_is_refused_before_the_first_step()
    {
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/same.txt", "work of today");
        File.WriteAllText($"{world.Temp.Folder("elsewhere")}/file", "mounted");
        using var mount = TestMount.Bind($"{world.Temp["elsewhere"]}/file", $"{world.Storage}/changed.txt");

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));

        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.Contains("changed.txt", failure.Message, StringComparison.Ordinal);
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/same.txt"));
    }

    [Fact]
    public async Task Our_own_folders_below_storage_survive_a_restore_that_replaces_all_around_them()
    {
        using var nested = new RestoreWorld(settings => settings with { BackupsPath = $"{settings.StoragePath}/data/keep/backups", RestorePath = $"{settings.StoragePath}/data/restore" });
        File.WriteAllText($"{nested.Storage}/data/a", "old");
        File.WriteAllText($"{nested.Storage}/data/keep/b", "old");
        var backup = await nested.BackUpAsync();
        File.WriteAllText($"{nested.Storage}/data/a", "new");
        TreeRemoval.Remove($"{nested.Storage}/data/keep/b");

        await nested.RestoreAsync(backup.Name);

        Assert.Equal("old", File.ReadAllText($"{nested.Storage}/data/a"));
        Assert.Equal("old", File.ReadAllText($"{nested.Storage}/data/keep/b"));
        Assert.True(File.Exists(backup.Path));
        Assert.True(Directory.Exists(nested.Restore));
    }

    [Fact]
    public async Task A_disk_that_is_too_small_is_refused_with_both_numbers()
    {
        var backup = await world.BackUpAsync();
        using var small = new RestoreWorld(settings => settings with { StoragePath = world.Storage, BackupsPath = world.Settings.BackupsPath, MinFreeBytes = 1L << 60 });

        var failure = await Assert.ThrowsAsync<BackupException>(() => small.RestoreAsync(backup.Name));

        Assert.Equal(Fault.NoRoom, failure.Fault);
    }

    [Fact]
    public async Task A_backup_of_another_schema_is_refused_with_both_values_unless_forced()
    {
        File.WriteAllText($"{world.Storage}/.backup-app.json", """{"schemaHash":"aaa"}""");
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/.backup-app.json", """{"schemaHash":"bbb"}""");

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));
        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.Contains("aaa", failure.Message, StringComparison.Ordinal);
        Assert.Contains("bbb", failure.Message, StringComparison.Ordinal);

        Assert.True((await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true })).Applied);
    }
}
