using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Databases dropped into the restore folder as they are, instead of an archive.</summary>
public sealed class BareDropTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public BareDropTests()
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        world.AddDatabase("leveldb/a-clean", "level");
        File.WriteAllText($"{world.Storage}/plain.txt", "plain");
        Posix.SetMode($"{world.Storage}/sql/data.db", 0x1A0 /* 0640 */);
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_database_with_its_log_replaces_the_one_of_its_name_with_every_row_and_the_owner_and_mode_of_the_old_one()
    {
        await world.BackUpAsync();
        Posix.SetOwner($"{world.Storage}/sql/data.db", 4321, 4322);
        File.WriteAllText($"{world.Storage}/sql/data.db-journal", "stale");
        Drop("sqlite/b-wal-committed");
        var counts = await CountsOfAsync("sqlite/b-wal-committed");

        var start = await world.StartAsync();

        Assert.Null(start.Failure);
        Assert.True(start.Restored!.Applied);
        Assert.NotNull(start.Restored.SafetyBackup);
        var now = Posix.Stat($"{world.Storage}/sql/data.db");
        Assert.Equal((4321u, 4322u, 0x1A0u), (now.Uid, now.Gid, now.Mode));
        Assert.False(File.Exists($"{world.Storage}/sql/data.db-shm"));
        Assert.False(File.Exists($"{world.Storage}/sql/data.db-journal"));
        Assert.Equal("plain", await File.ReadAllTextAsync($"{world.Storage}/plain.txt"));
        Assert.Equal(["data.db", "data.db-shm", "data.db-wal"], Posix.ListNames($"{world.Restore}/done/data.db.set"));
        Assert.Empty(world.Get<RestoreFolder>().List());
        Assert.Equal(counts, (await world.BackUpAsync()).Sources.Single(source => source.Name == "sql/data.db").Counts);
        Assert.Null((await world.StartAsync()).Restored);
    }

    [Fact]
    public async Task A_folder_of_LevelDB_replaces_the_one_of_its_name_and_undo_brings_the_old_one_back()
    {
        Fixtures.CopyTo("leveldb/c-multi-level-small", world.Restore);
        var backup = await world.BackUpAsync();
        var before = TreeImage.ContentOf(world.Storage);
        var counts = await CountsOfAsync("leveldb/c-multi-level-small");

        var start = await world.StartAsync();

        Assert.Null(start.Failure);
        Assert.True(Directory.Exists($"{world.Restore}/done/db"));
        Assert.Equal(counts, (await world.BackUpAsync()).Sources.Single(source => source.Name == "level/db").Counts);
        Assert.NotEqual(counts, backup.Sources.Single(source => source.Name == "level/db").Counts);
        await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false));
        Assert.Equal(before, TreeImage.ContentOf(world.Storage));
    }

    [Fact]
    public async Task A_database_that_is_gone_from_storage_goes_where_the_newest_backup_knew_it()
    {
        await world.BackUpAsync();
        Directory.Delete($"{world.Storage}/sql", recursive: true);
        Drop("sqlite/a-clean");

        Assert.True((await world.StartAsync()).Restored!.Applied);

        Assert.Equal(File.ReadAllBytes($"{Fixtures.Of("sqlite/a-clean")}/data.db"), File.ReadAllBytes($"{world.Storage}/sql/data.db"));
    }

    [Fact]
    public async Task A_database_that_is_no_longer_recognised_is_still_the_one_of_its_name_and_makes_another_one_no_target()
    {
        world.AddDatabase("sqlite/a-clean", "other");
        await world.BackUpAsync();
        Shell.Run(world.Storage, "dd if=/dev/zero of=sql/data.db bs=100 count=1 conv=notrunc status=none");
        Drop("sqlite/a-clean");

        Assert.Contains("other/data.db, sql/data.db", (await world.StartAsync()).Failure!.Message, StringComparison.Ordinal);

        Directory.Delete($"{world.Storage}/other", recursive: true);
        Drop("sqlite/a-clean");
        Assert.True((await world.StartAsync()).Restored!.Applied);
        Assert.Equal(File.ReadAllBytes($"{Fixtures.Of("sqlite/a-clean")}/data.db"), File.ReadAllBytes($"{world.Storage}/sql/data.db"));
    }

    [Theory]
    [InlineData("several", "may be meant for any of these: other/data.db, sql/data.db")]
    [InlineData("none", "No database of storage is called elsewhere.db. There are: level/db, sql/data.db.")]
    [InlineData("kind", "is a database of the kind litedb, and sql/data.db of storage is one of the kind sqlite")]
    [InlineData("damaged", "data.db is damaged: ")]
    [InlineData("rubbish", "is not recognised as a database")]
    [InlineData("two in a folder", "holds 2 databases: both/one/data.db, both/two/data.db")]
    public async Task What_cannot_be_put_in_place_goes_to_failed_with_a_reason_and_storage_is_not_touched(string what, string reason)
    {
        switch (what)
        {
            case "several":
                world.AddDatabase("sqlite/a-clean", "other");
                Drop("sqlite/a-clean");
                break;
            case "none":
                Drop("sqlite/a-clean", "elsewhere.db");
                break;
            case "kind":
                File.Copy(Directory.GetFiles(Fixtures.Of("litedb/a-clean")).First(file => !file.Contains("-log", StringComparison.Ordinal)), $"{world.Restore}/data.db");
                break;
            case "damaged":
                Drop("sqlite/e-corrupt-page");
                break;
            case "rubbish":
                await File.WriteAllTextAsync($"{world.Restore}/data.db", "this is no database");
                break;
            default:
                Fixtures.CopyTo("sqlite/a-clean", Directory.CreateDirectory($"{world.Restore}/both/one").FullName);
                Fixtures.CopyTo("sqlite/a-clean", Directory.CreateDirectory($"{world.Restore}/both/two").FullName);
                break;
        }

        await world.BackUpAsync();
        var before = TreeImage.Of(world.Storage);

        var start = await world.StartAsync();

        Assert.NotNull(start.Failure);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        var failed = Assert.Single(world.Get<RestoreFolder>().ListFailed());
        Assert.Contains(reason, failed.Message, StringComparison.Ordinal);
        Assert.Empty(world.Get<RestoreFolder>().List());
    }

    [Fact]
    public async Task What_is_no_database_and_has_no_name_of_one_stays_where_it_is_and_is_nobodys_business()
    {
        await world.BackUpAsync();
        await File.WriteAllTextAsync($"{world.Restore}/README.txt", "drop archives here");
        Directory.CreateDirectory($"{world.Restore}/notes");

        Assert.False(world.Get<RestoreFolder>().HasWork);
        Assert.Null((await world.StartAsync()).Failure);
        Assert.True(File.Exists($"{world.Restore}/README.txt"));
    }

    [Theory]
    [InlineData("restore/data.db-wal", "copied")]
    [InlineData("storage/sql/data.db", "in use")]
    public async Task One_that_is_still_being_copied_or_whose_place_is_in_use_waits(string held, string why)
    {
        Drop("sqlite/b-wal-committed");
        var before = TreeImage.Of(world.Storage);
        using var owner = await HolderProcess.StartAsync(world.Temp[held], "held = open(path, 'r+b')");

        var start = await world.StartAsync();

        Assert.Null(start.Restored);
        var waiting = Assert.Single(start.Waiting);
        Assert.Equal("data.db", waiting.Where);
        Assert.Contains(why, waiting.Message, StringComparison.Ordinal);
        Assert.Equal(["data.db", "data.db-shm", "data.db-wal"], Posix.ListNames(world.Restore).Where(name => name[0] != '.'));
        Assert.Equal(before, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task A_kill_while_it_was_claimed_leaves_no_part_of_it_behind()
    {
        Drop("sqlite/b-wal-committed");
        var counts = await CountsOfAsync("sqlite/b-wal-committed");
        Directory.CreateDirectory($"{world.Restore}/.claimed/data.db.set");
        Posix.Rename($"{world.Restore}/data.db", $"{world.Restore}/.claimed/data.db.set/data.db");

        var start = await world.StartAsync();

        Assert.True(start.Restored!.Applied);
        Assert.Contains("taken up again", Assert.Single(start.Recovered).Message, StringComparison.Ordinal);
        Assert.Equal(counts, (await world.BackUpAsync()).Sources.Single(source => source.Name == "sql/data.db").Counts);
    }

    [Fact]
    public async Task A_kill_after_the_commit_point_finishes_it_and_never_restores_it_again()
    {
        Drop("sqlite/b-wal-committed");
        var folder = world.Get<RestoreFolder>();
        var drop = Assert.Single(folder.List());
        folder.Claim(drop);
        var swap = SwapFolder.Create(world.Storage, "20261120T120000Z-0099");
        swap.WritePlan(new SwapPlan
        {
            Steps = [],
            RootModified = new UnixTime(1, 0),
            CanExchange = true,
            Origin = System.Text.Json.JsonSerializer.SerializeToElement(new RestoreOrigin { BackupName = "data.db", ArchivePath = "x", Paths = ["sql/data.db"], Claim = drop.ClaimName, At = DateTimeOffset.UnixEpoch }, Json.Options),
        });
        swap.WriteState(SwapState.Commit);

        var start = await world.StartAsync();

        Assert.Null(start.Restored);
        Assert.True(Directory.Exists($"{world.Restore}/done/data.db.set"));
        Assert.Empty(folder.List());
    }

    [Fact]
    public async Task A_running_service_says_what_it_would_replace()
    {
        Drop("sqlite/b-wal-committed");
        Drop("sqlite/a-clean", "elsewhere.db");
        var inspect = world.Get<InspectDrops>();
        await inspect.RunAsync(CancellationToken.None);

        var told = await inspect.RunAsync(CancellationToken.None);

        Assert.Contains("replaces sql/data.db at the next start", told.Single(finding => finding.Where == "data.db").Message, StringComparison.Ordinal);
        Assert.Contains("refused", told.Single(finding => finding.Where == "elsewhere.db").Message, StringComparison.Ordinal);
    }

    private void Drop(string fixture, string? name = null)
    {
        foreach (var file in Directory.GetFiles(Fixtures.Of(fixture)))
        {
            File.Copy(file, $"{world.Restore}/{Path.GetFileName(file).Replace("data.db", name ?? "data.db", StringComparison.Ordinal)}");
        }
    }

    private static async Task<IReadOnlyDictionary<string, long>> CountsOfAsync(string fixture)
    {
        using var other = new RestoreWorld();
        other.AddDatabase(fixture, "x");
        return (await other.BackUpAsync()).Sources.Single(source => source.Engine != Source.PlainFiles).Counts;
    }
}
