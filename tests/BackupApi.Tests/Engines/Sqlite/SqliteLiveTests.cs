using System.Globalization;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>Captures under an owner that writes at full speed: each opens, keeps the owner's invariant, and is of the time it was taken at.</summary>
public sealed class SqliteLiveTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("wal", 4096)]
    [InlineData("wal", 65536)]
    [InlineData("delete", 4096)]
    [InlineData("delete", 512)]
    [InlineData("truncate", 4096)]
    [InlineData("persist", 4096)]
    public Task Every_capture_under_a_writer_is_one_committed_state(string mode, int pageSize) => CaptureManyAsync(mode, pageSize, fillerMiB: 4, captures: 25);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("wal", 4096)]
    [InlineData("delete", 4096)]
    public Task A_hundred_captures_of_a_large_database_are_committed_states(string mode, int pageSize) => CaptureManyAsync(mode, pageSize, fillerMiB: 210, captures: 100);

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task A_naive_copy_in_the_same_harness_is_torn_in_most_runs(string mode)
    {
        using var storage = new SqliteStorage();
        using var writer = await SqliteWriter.StartAsync(storage["app.db"], storage.Scratch("progress"), mode);
        var torn = 0;
        for (var i = 0; i < 12; i++)
        {
            var before = writer.Committed;
            var folder = Directory.CreateDirectory(storage.Scratch($"naive-{i}")).FullName;
            foreach (var suffix in new[] { "", "-wal" }.Where(suffix => File.Exists(storage["app.db"] + suffix)))
            {
                await NaiveCopyAsync(storage["app.db"] + suffix, $"{folder}/app.db{suffix}", writer);
            }

            var source = storage.Recognise().Single();
            var verdict = await storage.Engine.VerifyAsync(source, folder, CancellationToken.None);
            torn += verdict.IsDamaged || FindBrokenInvariant($"{folder}/app.db", before, writer.Begun) is not null ? 1 : 0;
        }

        output.WriteLine($"{mode}: {torn} of 12 naive copies were torn");
        Assert.True(torn > 6, $"only {torn} of 12 naive copies were torn: this harness could not see a bad capture");
    }

    private async Task CaptureManyAsync(string mode, int pageSize, int fillerMiB, int captures)
    {
        using var storage = new SqliteStorage();
        using var writer = await SqliteWriter.StartAsync(storage["app.db"], storage.Scratch("progress"), mode, pageSize, fillerMiB);
        var (attempts, overlapped, checkpoints) = (0, 0, 0);
        var held = TimeSpan.Zero;
        for (var i = 0; i < captures; i++)
        {
            var (before, checkpointsBefore) = (writer.Committed, writer.Checkpoints);
            var (capture, verdict, folder) = await storage.CaptureAndVerifyAsync();
            var after = writer.Begun;

            Assert.True(verdict.IsProven, string.Join('\n', verdict.Errors));
            Assert.Null(FindBrokenInvariant($"{folder}/app.db", before, after));
            Assert.Equal(mode == "wal" ? "online backup" : "compare and patch", capture.Method);
            attempts += capture.Attempts;
            overlapped += after > before + 1 ? 1 : 0;
            checkpoints += writer.Checkpoints > checkpointsBefore ? 1 : 0;
            held = capture.OwnerHeld > held ? capture.OwnerHeld : held;
            TreeRemoval.Remove(folder);
        }

        Assert.True(writer.IsAlive, "the owner failed");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mode} {pageSize}: {attempts} attempts, {captures} accepted, {overlapped} overlapped writes, {checkpoints} overlapped a checkpoint; owner held at most {held.TotalMilliseconds:0.0} ms, its longest write {writer.LongestWait.TotalMilliseconds:0} ms"));
        Assert.True(overlapped > captures / 4, $"only {overlapped} captures overlapped a write");
    }

    /// <summary>What is wrong with a copy, by the owner's own rules; null when nothing is.</summary>
    private static string? FindBrokenInvariant(string database, long committedBefore, long begunAfter)
    {
        try
        {
            var hasWal = File.Exists($"{database}-wal");
            using var copy = SqliteDatabase.Open(database, hasWal ? Access.Staging : Access.Copy);
            var sum = copy.Number("SELECT sum(balance) FROM account");
            var (rows, last) = (copy.Number("SELECT count(*) FROM ledger NOT INDEXED"), copy.Number("SELECT max(seq) FROM ledger"));
            return sum != 1_000_000 ? $"sum {sum}"
                : rows != last ? $"{rows} rows, last {last}"
                : last < committedBefore || last > begunAfter ? $"number {last} is not of the time {committedBefore} to {begunAfter}"
                : null;
        }
        catch (SqliteFailure e)
        {
            return e.Message;
        }
    }

    /// <summary>As a file-based backup copies, over a disk so slow that the owner commits now and then meanwhile.</summary>
    private static async Task NaiveCopyAsync(string from, string to, SqliteWriter writer)
    {
        using var source = Posix.OpenRead(from);
        using var target = Posix.CreateNew(to);
        var buffer = new byte[Math.Max(4096, (int)(RandomAccess.GetLength(source) / 8))];
        for (long at = 0; RandomAccess.Read(source, buffer, at) is > 0 and var length; at += length)
        {
            RandomAccess.Write(target, buffer.AsSpan(0, length), at);
            var committed = writer.Committed;
            for (var wait = 0; wait < 100 && writer.Committed < committed + 10; wait++)
            {
                await Task.Delay(2);
            }
        }
    }
}
