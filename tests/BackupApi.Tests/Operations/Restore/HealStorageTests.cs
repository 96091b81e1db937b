using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Engines.LevelDb;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

public sealed class HealStorageTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public HealStorageTests()
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        world.AddDatabase("leveldb/n-clean", "level");
        File.WriteAllText($"{world.Storage}/plain.txt", "plain");
    }

    public void Dispose() => world.Dispose();

    private string Database => $"{world.Storage}/sql/data.db";

    [Theory]
    [InlineData("rm sql/data.db", false)]
    [InlineData("rm -r level", false)]
    [InlineData("printf X | dd of=sql/data.db bs=1 count=1 conv=notrunc status=none; echo stale > sql/data.db-wal", true)]
    [InlineData("dd if=/dev/urandom of=sql/data.db bs=1024 seek=4 count=8 conv=notrunc status=none", true)]
    [InlineData("truncate -s 5000 sql/data.db", true)]
    public async Task A_database_that_is_gone_or_damaged_comes_back_and_what_was_there_is_kept(string harm, bool isKept)
    {
        var backup = await world.BackUpAsync();
        await HealAsync();
        Shell.Run(world.Storage, harm + "; echo later > plain.txt");

        var result = await HealAsync();

        var healed = Assert.Single(result.Healed);
        Assert.Contains(backup.Name, healed.Message, StringComparison.Ordinal);
        Assert.Empty(result.Undecided);
        Assert.Equal("later\n", File.ReadAllText($"{world.Storage}/plain.txt"));
        Assert.False(File.Exists(Database + "-wal"));
        var again = await world.BackUpAsync();
        Assert.True(again.IsProven);
        Assert.Equal(Counts(backup), Counts(again));
        Assert.Equal(isKept, Directory.Exists($"{world.Settings.BackupsPath}/.backupapi/quarantine"));
    }

    [Fact]
    public async Task It_is_brought_back_once_for_each_disappearance()
    {
        await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);
        Assert.Single((await HealAsync()).Healed);
        File.Delete(Database);

        var result = await HealAsync();

        Assert.Empty(result.Healed);
        Assert.Contains("brought back once", Assert.Single(result.Undecided).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Database));
    }

    [Fact]
    public async Task Once_is_told_by_sequence_numbers_so_that_a_clock_that_was_set_back_changes_nothing()
    {
        var backup = await world.BackUpAsync();
        var memory = world.Get<HealMemory>();
        memory.RememberHealing("x.db", backup.Sequence, DateTimeOffset.UnixEpoch);

        Assert.True(memory.WasHealedSince("x.db", backup));
        Assert.False(memory.WasHealedSince("x.db", backup with { Sequence = backup.Sequence + 1 }));
    }

    [Fact]
    public async Task Where_the_record_of_the_last_restore_is_lost_nothing_is_healed_by_itself()
    {
        var backup = await world.BackUpAsync();
        await HealAsync();
        await world.RestoreAsync(backup.Name);
        await File.WriteAllTextAsync($"{world.Settings.BackupsPath}/.backupapi/last-restore.json", "torn");
        File.Delete(Database);

        var result = await HealAsync();

        Assert.Empty(result.Healed);
        Assert.Contains("last-restore.json", Assert.Single(result.Undecided).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_a_later_backup_saw_gone_stays_gone()
    {
        await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);
        await world.BackUpAsync();

        var result = await HealAsync();

        Assert.Empty(result.Healed);
        Assert.Empty(result.Undecided);
    }

    [Fact]
    public async Task An_older_state_that_was_restored_is_not_healed_away()
    {
        Directory.Delete($"{world.Storage}/level", recursive: true);
        var old = await world.BackUpAsync();
        world.AddDatabase("leveldb/n-clean", "level");
        await world.BackUpAsync();
        await HealAsync();
        await world.RestoreAsync(old.Name);

        var result = await HealAsync();

        Assert.Empty(result.Healed);
        Assert.Empty(result.Undecided);
        Assert.False(Directory.Exists($"{world.Storage}/level"));
    }

    [Fact]
    public async Task A_restore_of_some_paths_does_not_let_healing_take_the_restore_of_everything_before_it_back()
    {
        Directory.Delete($"{world.Storage}/level", recursive: true);
        var old = await world.BackUpAsync();
        world.AddDatabase("leveldb/n-clean", "level");
        var newer = await world.BackUpAsync();
        await HealAsync();
        await world.RestoreAsync(old.Name);
        File.WriteAllText($"{world.Storage}/plain.txt", "later");
        await world.RestoreAsync(new RestoreRequest { BackupName = newer.Name, Paths = ["plain.txt"] });

        var result = await HealAsync();

        Assert.Empty(result.Healed);
        Assert.Empty(result.Undecided);
        Assert.False(Directory.Exists($"{world.Storage}/level"));
    }

    [Fact]
    public async Task A_database_that_was_brought_back_alone_is_judged_by_its_own_line_and_the_others_by_theirs()
    {
        var old = await world.BackUpAsync();
        Directory.Delete($"{world.Storage}/level", recursive: true);
        await world.BackUpAsync();
        await HealAsync();
        await world.RestoreAsync(new RestoreRequest { BackupName = old.Name, Paths = ["level"] });
        Directory.Delete($"{world.Storage}/level", recursive: true);
        File.Delete(Database);

        var result = await HealAsync();

        Assert.Equal(["level/db", "sql/data.db"], result.Healed.Select(healed => healed.Where).Order(StringComparer.Ordinal));
        Assert.Contains(old.Name, result.Healed.Single(healed => healed.Where == "level/db").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_in_use_is_not_healed_and_the_answer_names_who_and_the_call()
    {
        await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);
        using var owner = await HolderProcess.StartAsync($"{world.Storage}/plain.txt", "held = open(path, 'r+b')");

        var told = Assert.Single((await HealAsync()).Undecided).Message;

        Assert.Contains("plain.txt", told, StringComparison.Ordinal);
        Assert.Contains("POST /api/backup/restore", told, StringComparison.Ordinal);
        Assert.False(File.Exists(Database));
    }

    [Fact]
    public async Task Another_folder_under_storages_path_is_not_healed()
    {
        await world.BackUpAsync();
        await HealAsync();
        Directory.Move(world.Storage, world.Storage + "-real");
        Directory.CreateDirectory(world.Storage);

        for (var start = 1; start <= 3; start++)
        {
            var result = await HealAsync();

            Assert.Empty(result.Healed);
            Assert.Equal(2, result.Undecided.Count);
            Assert.All(result.Undecided, told => Assert.Contains("right volume", told.Message, StringComparison.Ordinal));
            Assert.Empty(Posix.ListNames(world.Storage));
        }

        // The right one is back, and is known again.
        Directory.Delete(world.Storage);
        Posix.Rename(world.Storage + "-real", world.Storage);
        File.Delete(Database);
        Assert.Single((await HealAsync()).Healed);
    }

    [Fact]
    public async Task Far_fewer_rows_in_the_backup_than_the_damaged_database_still_shows_are_no_silent_choice()
    {
        Shell.Run(world.Storage, "rm sql/data.db; sqlite3 sql/data.db \"create table kept(a); insert into kept values (1),(2),(3); create table other(a); create index by_a on other(a); insert into other values (1)\"");
        var backup = await world.BackUpAsync();
        await HealAsync();
        Shell.Run(world.Storage, "sqlite3 sql/data.db \"with recursive n(i) as (select 1 union all select i+1 from n where i<500) insert into kept select i from n; pragma writable_schema=on; delete from other; insert into other values (7); update sqlite_schema set rootpage=(select rootpage from sqlite_schema where name='kept') where name='by_a'\"");

        var told = Assert.Single((await HealAsync()).Undecided).Message;

        Assert.Contains("still shows 504 entries", told, StringComparison.Ordinal);
        Assert.Contains("holds 4", told, StringComparison.Ordinal);
        Assert.Contains($"POST /api/backup/restore with backupName '{backup.Name}' and paths ['sql/data.db']", told, StringComparison.Ordinal);
        Assert.Equal("503\n", Shell.Run(world.Storage, "sqlite3 sql/data.db 'select count(*) from kept'"));
    }

    [Theory]
    [InlineData("sqlite3 sql/data.db \"with recursive n(i) as (select 1 union all select i+1 from n where i<5000) insert into tag select i, 'tag' || i, i from n\"; truncate -s -4096 sql/data.db", "sql/data.db")]
    [InlineData("rm level/db/*; cp {f}/db/* level/db; rm level/db/CURRENT", "level/db")]
    [InlineData("sqlite3 sql/data.db \"create table few(a); insert into few values (1); with recursive n(i) as (select 1 union all select i+1 from n where i<5000) insert into tag select i, 'tag' || i, i from n\"; dd if=/dev/zero of=sql/data.db bs=4096 seek=20 count=1 conv=notrunc status=none", "sql/data.db")]
    [InlineData("sqlite3 sql/data.db \"with recursive n(i) as (select 1 union all select i+1 from n where i<5000) insert into tag select i, 'tag' || i, i from n\"; printf X | dd of=sql/data.db bs=1 count=1 conv=notrunc status=none", "sql/data.db")]
    [InlineData("sqlite3 sql/data.db \"with recursive n(i) as (select 1 union all select i+1 from n where i<5000) insert into tag select i, 'tag' || i, i from n\"; dd if=/dev/zero of=sql/data.db bs=100 count=1 conv=notrunc status=none", "sql/data.db")]
    public async Task What_a_database_still_shows_is_counted_also_where_its_check_comes_to_no_count(string harm, string name)
    {
        Shell.Run(world.Storage, "rm sql/data.db; sqlite3 sql/data.db 'create table tag(a, b, c); insert into tag values (1,2,3)'; rm -r level");
        var small = new LevelDbBuilder($"{world.Storage}/level/db");
        small.Table(0, 1, [[new Entry("key", 1, "value")]]);
        small.Finish();
        Assert.True((await world.BackUpAsync()).IsProven);
        await HealAsync();
        Shell.Run(world.Storage, harm.Replace("{f}", Fixtures.Of("leveldb/n-clean"), StringComparison.Ordinal));
        var before = TreeImage.Of(world.Storage);

        var result = await HealAsync();

        Assert.Empty(result.Healed);
        Assert.Contains("still shows", Assert.Single(result.Undecided, told => told.Where == name).Message, StringComparison.Ordinal);
        Assert.Equal(before, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task A_candidate_that_turns_out_to_be_damaged_gives_way_to_the_one_before_it()
    {
        var older = await world.BackUpAsync();
        await File.WriteAllTextAsync($"{world.Storage}/plain.txt", "later");
        var newer = await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);
        await File.WriteAllBytesAsync(newer.Path, Harmed(await File.ReadAllBytesAsync(newer.Path)));

        var healed = Assert.Single((await HealAsync()).Healed).Message;

        Assert.Contains($"brought back from {older.Name}", healed, StringComparison.Ordinal);
        Assert.Contains($"Not from {newer.Name}", healed, StringComparison.Ordinal);
        Assert.True(File.Exists(Database));
    }

    [Fact]
    public async Task Damage_elsewhere_in_the_newest_backup_keeps_no_database_from_coming_back_from_it()
    {
        await world.BackUpAsync();
        var random = new byte[100_000];
        new Random(3).NextBytes(random);
        await File.WriteAllBytesAsync($"{world.Storage}/noise.bin", random);
        var newer = await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);
        var bytes = await File.ReadAllBytesAsync(newer.Path);
        bytes[bytes.AsSpan().IndexOf(random.AsSpan(1000, 100))] ^= 0x40;
        await File.WriteAllBytesAsync(newer.Path, bytes);

        Assert.Contains($"brought back from {newer.Name}", Assert.Single((await HealAsync()).Healed).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_healing_of_which_nothing_came_is_tried_again()
    {
        var backup = await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);
        var bytes = await File.ReadAllBytesAsync(backup.Path);
        await File.WriteAllBytesAsync(backup.Path, Harmed(bytes));
        Assert.Contains("could not be brought back", Assert.Single((await HealAsync()).Undecided).Message, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(backup.Path, bytes);

        Assert.Single((await HealAsync()).Healed);
    }

    [Fact]
    public async Task Report_only_changes_nothing()
    {
        await world.BackUpAsync();
        await HealAsync();
        File.Delete(Database);

        Assert.Contains("AUTO_HEAL", Assert.Single((await HealAsync(HealMode.Report)).Undecided).Message, StringComparison.Ordinal);

        Assert.False(File.Exists(Database));
    }

    [Fact]
    public async Task A_database_that_was_never_proven_is_told_and_never_replaced_by_an_empty_one()
    {
        world.AddDatabase("sqlite/e-corrupt-page", "bad");
        await world.BackUpAsync();
        await HealAsync();
        var before = TreeImage.Of($"{world.Storage}/bad");

        var result = await HealAsync();

        Assert.Contains("No backup holds a proven copy", Assert.Single(result.Undecided).Message, StringComparison.Ordinal);
        Assert.Equal(before, TreeImage.Of($"{world.Storage}/bad"));
    }

    private static Dictionary<string, long> Counts(Backup backup) =>
        backup.Sources.SelectMany(source => source.Counts.Select(count => (Key: $"{source.Name}:{count.Key}", count.Value))).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);

    /// <summary>An archive with a flipped bit in every sixteenth byte of its middle half: none of its contents is whole.</summary>
    private static byte[] Harmed(byte[] archive)
    {
        var harmed = (byte[])archive.Clone();
        for (var at = harmed.Length / 4; at < harmed.Length * 3 / 4; at += 16)
        {
            harmed[at] ^= 0x40;
        }

        return harmed;
    }

    private async Task<HealResult> HealAsync(HealMode mode = HealMode.On)
    {
        await world.Get<BackupCatalog>().RefreshAsync(CancellationToken.None);
        return await world.Get<HealStorage>().RunAsync($"20261120T130000Z-{Guid.NewGuid():N}", mode, new Progress(), CancellationToken.None);
    }
}
