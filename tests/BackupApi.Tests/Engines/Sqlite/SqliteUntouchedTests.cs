using System.Security.Cryptography;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>No byte, time, owner or name in the source's folder differs after a capture; only the <c>-shm</c> scratch memory may.</summary>
public sealed class SqliteUntouchedTests
{
    private const string Schema = "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2),(3);";

    [Fact]
    public async Task A_closed_database_in_wal_mode_is_left_alone_and_gets_no_side_files()
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], $"PRAGMA journal_mode=WAL; {Schema}");
        Assert.Equal("stable copy", await CaptureUntouchedAsync(storage, rows: 3));
        Assert.Equal(storage["app.db"], Assert.Single(Directory.EnumerateFiles(storage.Root)));
    }

    [Fact]
    public async Task A_database_in_wal_mode_whose_owner_is_alive_is_left_alone()
    {
        using var storage = new SqliteStorage();
        using var owner = await OpenWalAsync(storage);
        Assert.Equal("online backup", await CaptureUntouchedAsync(storage, rows: 3));
        Assert.Equal("[(3,)]", await owner.RunAsync("SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task A_wal_left_by_a_killed_owner_is_not_checkpointed_but_its_rows_are_captured()
    {
        using var storage = new SqliteStorage();
        using (var owner = await OpenWalAsync(storage))
        {
            owner.Kill();
        }

        await CaptureUntouchedAsync(storage, rows: 3);
    }

    [Fact]
    public async Task A_wal_without_its_shared_memory_is_left_alone_and_applied_to_the_copy()
    {
        using var storage = new SqliteStorage();
        using (var owner = await OpenWalAsync(storage))
        {
            owner.Kill();
        }

        File.Delete(storage["app.db-shm"]);
        Assert.Equal("stable copy", await CaptureUntouchedAsync(storage, rows: 3));
    }

    [Fact]
    public async Task A_hot_journal_is_left_for_its_owner_and_rolled_back_in_the_copy()
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], $"{Schema} CREATE TABLE big(a); INSERT INTO big SELECT randomblob(4000) FROM generate_series(1,200);");
        await LeaveHotJournalAsync(storage["app.db"]);
        Assert.Equal("stable copy", await CaptureUntouchedAsync(storage, rows: 3));
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("truncate")]
    [InlineData("persist")]
    public async Task A_database_in_rollback_mode_is_left_alone(string mode)
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], $"PRAGMA journal_mode={mode}; {Schema}");
        Assert.Equal("compare and patch", await CaptureUntouchedAsync(storage, rows: 3));
    }

    [Fact]
    public async Task Other_peoples_files_keep_their_owner_and_their_owner_can_go_on()
    {
        if (Posix.EffectiveUserId != 0)
        {
            return; // Only root can make files of somebody else.
        }

        using var storage = new SqliteStorage();
        const int Uid = 12345;
        Posix.SetOwner(storage.Root, Uid, Uid);
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"], uid: Uid);
        if (!owner.IsOpen)
        {
            return; // The tests lie in a folder that other users cannot reach.
        }

        await owner.RunAsync("PRAGMA journal_mode=WAL");
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("INSERT INTO t VALUES(1),(2),(3)");

        await CaptureUntouchedAsync(storage, rows: 3);

        Assert.All(Directory.EnumerateFiles(storage.Root), file => Assert.Equal((uint)Uid, Posix.Stat(file).Uid));
        Assert.Equal("[]", await owner.RunAsync("INSERT INTO t VALUES(4)"));
        await owner.CloseAsync();
        Assert.Equal(storage["app.db"], Assert.Single(Directory.EnumerateFiles(storage.Root)));
    }

    [Theory]
    [InlineData("closed wal")]
    [InlineData("live wal")]
    [InlineData("killed wal")]
    [InlineData("rollback")]
    [InlineData("hot journal")]
    public async Task A_storage_mounted_read_only_is_captured(string state)
    {
        if (Posix.EffectiveUserId != 0)
        {
            return; // Mounting needs root.
        }

        using var storage = new SqliteStorage();
        using var owner = state.EndsWith("wal", StringComparison.Ordinal) ? await OpenWalAsync(storage) : null;
        switch (state)
        {
            case "closed wal":
                await owner!.CloseAsync();
                break;
            case "killed wal":
                owner!.Kill();
                break;
            case "rollback":
                storage.Sql(storage["app.db"], Schema);
                break;
            case "hot journal":
                storage.Sql(storage["app.db"], $"{Schema} CREATE TABLE big(a); INSERT INTO big SELECT randomblob(4000) FROM generate_series(1,200);");
                await LeaveHotJournalAsync(storage["app.db"]);
                break;
        }

        var mount = Directory.CreateDirectory(storage.Scratch("mounted")).FullName;
        SqliteStorage.Shell("mount", ["--bind", storage.Root, mount]);
        try
        {
            SqliteStorage.Shell("mount", ["-o", "remount,ro,bind", mount]);
            await CaptureUntouchedAsync(storage, rows: 3, root: mount);
        }
        finally
        {
            SqliteStorage.Shell("umount", [mount]);
        }
    }

    [Fact]
    public void A_read_only_connection_cannot_create_the_side_files_of_a_database_that_was_just_closed()
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], $"PRAGMA journal_mode=WAL; {Schema}");

        // What happens when the owner closes between our look and our opening.
        Assert.Throws<SqliteFailure>(() =>
        {
            using var database = SqliteDatabase.Open(storage["app.db"], Access.Live);
            database.Execute("SELECT count(*) FROM sqlite_master");
        });
        Assert.Equal(storage["app.db"], Assert.Single(Directory.EnumerateFiles(storage.Root)));
    }

    private static async Task<SqliteOwner> OpenWalAsync(SqliteStorage storage)
    {
        var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("PRAGMA journal_mode=WAL");
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("INSERT INTO t VALUES(1),(2),(3)");
        return owner;
    }

    /// <summary>An owner that dies after its changed pages reached the file and before its commit.</summary>
    private static async Task LeaveHotJournalAsync(string database)
    {
        using var owner = await SqliteOwner.OpenAsync(database);
        await owner.RunAsync("PRAGMA cache_size=5");
        await owner.RunAsync("PRAGMA cache_spill=1");
        await owner.RunAsync("BEGIN");
        await owner.RunAsync("DELETE FROM t");
        await owner.RunAsync("UPDATE big SET a = randomblob(4000)");
        owner.Kill();
        Assert.True(SideFiles.MayBeHot($"{database}-journal"), "there is no hot journal");
    }

    /// <summary>Captures, compares the folder before and after, checks the copy; gives the method.</summary>
    private static async Task<string> CaptureUntouchedAsync(SqliteStorage storage, long rows, string? root = null)
    {
        var before = Look(storage.Root);
        var (capture, verdict, folder) = root is null ? await storage.CaptureAndVerifyAsync() : await storage.CaptureAndVerifyAsync(root);
        Assert.Equal(before, Look(storage.Root));

        Assert.True(verdict.IsProven, string.Join('\n', verdict.Errors));
        Assert.Equal(rows, verdict.Counts["t"]);
        Assert.Equal($"{folder}/app.db", Assert.Single(Directory.EnumerateFiles(folder)));
        return capture.Method;
    }

    private static List<string> Look(string folder) =>
    [
        .. TreeWalker.Walk(folder).Nodes.Select(node =>
        {
            var isScratch = node.Path.EndsWith("-shm", StringComparison.Ordinal);
            var isSide = isScratch || node.Path.EndsWith("-wal", StringComparison.Ordinal);
            var stat = node.Stat;
            var changed = isSide ? default : stat.Changed;
            return isScratch
                ? $"{node.Path} {stat.Mode} {stat.Uid} {stat.Gid} {stat.Inode}"
                : $"{node.Path} {stat.Mode} {stat.Uid} {stat.Gid} {stat.Inode} {stat.Size} {stat.Modified} {changed} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes($"{folder}/{node.Path}")))}";
        }),
        $"folder {Posix.Stat(folder).Modified}",
    ];
}
