using System.Diagnostics;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>Owners in the way of a capture, and a capture in the way of its owner.</summary>
public sealed class SqliteBusyTests
{
    [Fact]
    public async Task An_owner_in_exclusive_mode_makes_an_honest_failure_in_time()
    {
        using var storage = new SqliteStorage(new SqliteSettings { BusyTimeout = TimeSpan.FromMilliseconds(600) });
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("PRAGMA locking_mode=EXCLUSIVE");
        await owner.RunAsync("CREATE TABLE t(a)");

        var watch = Stopwatch.StartNew();
        var failure = await Assert.ThrowsAsync<BackupException>(() => storage.CaptureAsync());

        Assert.Equal(Fault.SourceBusy, failure.Fault);
        Assert.Contains("locking_mode=EXCLUSIVE", failure.Hint, StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task An_idle_owner_that_holds_a_wal_database_exclusively_is_captured_by_a_stable_copy()
    {
        using var storage = new SqliteStorage();
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("PRAGMA locking_mode=EXCLUSIVE");
        await owner.RunAsync("PRAGMA journal_mode=WAL");
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("INSERT INTO t VALUES(1)");

        var (capture, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.Equal("stable copy", capture.Method);
        Assert.Equal(1, verdict.Counts["t"]);
    }

    [Fact]
    public async Task A_capture_waits_for_an_owner_that_is_busy_for_a_moment()
    {
        using var storage = new SqliteStorage();
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("BEGIN EXCLUSIVE");
        await owner.RunAsync("INSERT INTO t VALUES(1)");

        var capture = storage.CaptureAndVerifyAsync();
        await Task.Delay(300);
        Assert.False(capture.IsCompleted);
        await owner.RunAsync("COMMIT");

        Assert.Equal(1, (await capture).Verdict.Counts["t"]);
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task An_owner_that_starts_and_writes_during_a_capture_does_not_fail(string mode)
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], $"PRAGMA journal_mode={mode}; CREATE TABLE t(a); INSERT INTO t SELECT randomblob(100000) FROM generate_series(1,150);");
        using var stop = new CancellationTokenSource();
        var captures = CaptureUntilAsync(storage, stop.Token);
        for (var i = 0; i < 3; i++)
        {
            using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
            Assert.Equal("[(150,)]", await owner.RunAsync("SELECT count(*) FROM t WHERE length(a) = 100000"));
            Assert.Equal("[]", await owner.RunAsync("INSERT INTO t VALUES('x')"));
            Assert.Equal("[]", await owner.RunAsync("DELETE FROM t WHERE a = 'x'"));
            await owner.CloseAsync();
        }

        await stop.CancelAsync();
        Assert.True(await captures > 0);
    }

    [Fact]
    public async Task A_database_at_rest_is_copied_in_batches_that_hold_its_owner_only_for_moments()
    {
        using var storage = new SqliteStorage(new SqliteSettings { SeldomWrites = TimeSpan.Zero, BatchBytes = 64 << 10 });
        storage.Sql(storage["app.db"], "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(100000) FROM generate_series(1,80);");
        var capture = storage.CaptureAndVerifyAsync();
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"], busyTimeoutSeconds: 1);
        Assert.Equal("[]", await owner.RunAsync("INSERT INTO t VALUES('during')"));
        var (taken, verdict, _) = await capture;

        Assert.Equal("online backup", taken.Method);
        Assert.True(verdict.IsProven);
        Assert.InRange(verdict.Counts["t"], 80, 81);
        Assert.InRange(taken.OwnerHeld, TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task A_database_that_rests_is_copied_byte_for_byte_and_holds_nobody()
    {
        using var storage = new SqliteStorage(time: new HourAhead());
        storage.Sql(storage["app.db"], "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(1000) FROM generate_series(1,800);");
        var (capture, verdict, folder) = await storage.CaptureAndVerifyAsync();
        Assert.Equal("copy at rest", capture.Method);
        Assert.True(verdict.IsProven);
        Assert.Equal(await File.ReadAllBytesAsync(storage["app.db"]), await File.ReadAllBytesAsync($"{folder}/app.db"));
    }

    [Fact]
    public async Task A_database_that_only_seems_to_rest_is_captured_whole_all_the_same()
    {
        using var storage = new SqliteStorage(time: new HourAhead());
        using var writer = await SqliteWriter.StartAsync(storage["app.db"], storage.Scratch("progress"), "delete", fillerMiB: 20);
        for (var i = 0; i < 5; i++)
        {
            var (_, verdict, _) = await storage.CaptureAndVerifyAsync();
            Assert.True(verdict.IsProven, string.Join(' ', verdict.Errors));
        }

        Assert.True(writer.IsAlive);
    }

    [Fact]
    public async Task A_transaction_in_the_middle_of_its_writing_is_not_mistaken_for_rest()
    {
        using var storage = new SqliteStorage(new SqliteSettings { BusyTimeout = TimeSpan.FromMilliseconds(300) }, new HourAhead());
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("PRAGMA cache_size=5");
        await owner.RunAsync("BEGIN IMMEDIATE");

        // More than the cache holds: pages of a transaction that is not committed are in the file, and nobody writes any more.
        await owner.RunAsync("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT randomblob(500) FROM n");
        var failure = await Record.ExceptionAsync(() => storage.CaptureAsync());
        Assert.Equal(Fault.SourceBusy, Assert.IsType<BackupException>(failure).Fault);
        await owner.RunAsync("ROLLBACK");
        Assert.True((await storage.CaptureAndVerifyAsync()).Verdict.IsProven);
    }

    [Fact]
    public async Task What_a_killed_owner_left_half_written_is_not_mistaken_for_rest()
    {
        using var storage = new SqliteStorage(time: new HourAhead());
        using (var owner = await SqliteOwner.OpenAsync(storage["app.db"]))
        {
            await owner.RunAsync("CREATE TABLE t(a)");
            await owner.RunAsync("INSERT INTO t VALUES('committed')");
            await owner.RunAsync("PRAGMA cache_size=5");
            await owner.RunAsync("BEGIN IMMEDIATE");
            await owner.RunAsync("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT randomblob(500) FROM n");
            owner.Kill();
        }

        var (capture, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.Equal("stable copy", capture.Method);
        Assert.True(verdict.IsProven);
        Assert.Equal(1, verdict.Counts["t"]);
    }

    [Fact]
    public async Task Batches_that_writers_keep_restarting_give_way_to_one_copy_under_one_lock()
    {
        using var storage = new SqliteStorage(new SqliteSettings { SeldomWrites = TimeSpan.Zero, BatchBytes = 64 << 10, MaxRestarts = 2 });
        using var writer = await SqliteWriter.StartAsync(storage["app.db"], storage.Scratch("progress"), "delete", fillerMiB: 20);
        var (capture, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.Equal("compare and patch", capture.Method);
        Assert.True(verdict.IsProven);
        Assert.True(writer.IsAlive);
    }

    [Fact]
    public async Task A_cancelled_capture_ends_at_once_and_leaves_its_owner_free()
    {
        using var storage = new SqliteStorage();
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"], busyTimeoutSeconds: 0);
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("BEGIN EXCLUSIVE");
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => storage.CaptureAsync(ct: cancel.Token));
        await owner.RunAsync("COMMIT");
        Assert.Equal("[]", await owner.RunAsync("INSERT INTO t VALUES(1)"));
    }

    [Fact]
    public async Task A_database_that_is_gone_is_not_found()
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], "CREATE TABLE t(a)");
        var tree = TreeWalker.Walk(storage.Root);
        var source = storage.Recognise().Single();
        File.Delete(storage["app.db"]);
        var failure = await Assert.ThrowsAsync<BackupException>(() => storage.Engine.CaptureAsync(source, tree, Directory.CreateDirectory(storage.Scratch("into")).FullName, CancellationToken.None));
        Assert.Equal(Fault.NotFound, failure.Fault);
    }

    [Fact]
    public async Task A_journal_whose_super_journal_is_gone_was_committed_and_one_whose_super_journal_remains_is_rolled_back()
    {
        foreach (var (remains, rows) in new[] { (true, 0L), (false, 150L) })
        {
            using var storage = new SqliteStorage();
            await LeaveSuperJournalAsync(storage);
            var super = Directory.EnumerateFiles(storage.Root, "*-mj*").Single();
            if (!remains)
            {
                File.Delete(super);
            }

            var source = storage.Recognise().First(found => found.Name == "one.db");
            var into = Directory.CreateDirectory(storage.Scratch("into")).FullName;
            await storage.Engine.CaptureAsync(source, TreeWalker.Walk(storage.Root), into, CancellationToken.None);
            var verdict = await storage.Engine.VerifyAsync(source, into, CancellationToken.None);

            Assert.True(verdict.IsProven, string.Join('\n', verdict.Errors));
            Assert.Equal(rows, verdict.Counts["t"]);
        }
    }

    /// <summary>Stops an owner between writing two databases of one commit and removing the super-journal.</summary>
    private static async Task LeaveSuperJournalAsync(SqliteStorage storage)
    {
        storage.Sql(storage["one.db"], "CREATE TABLE t(a)");
        storage.Sql(storage["two.db"], "CREATE TABLE t(a)");
        var sql = $"ATTACH '{storage["two.db"]}' AS two; BEGIN; INSERT INTO main.t SELECT randomblob(3000) FROM generate_series(1,150); INSERT INTO two.t SELECT randomblob(3000) FROM generate_series(1,150); COMMIT;";
        using var process = Process.Start(new ProcessStartInfo("strace", ["-f", "-o", storage.Scratch("trace"), "-e", "trace=unlink", "-e", "inject=unlink:signal=KILL:when=1", "sqlite3", storage["one.db"], sql]) { UseShellExecute = false })!;
        await process.WaitForExitAsync();
    }

    private static async Task<int> CaptureUntilAsync(SqliteStorage storage, CancellationToken ct)
    {
        var taken = 0;
        while (!ct.IsCancellationRequested)
        {
            var (_, folder) = await storage.CaptureAsync(ct: CancellationToken.None);
            TreeRemoval.Remove(folder);
            taken++;
        }

        return taken;
    }
}
