using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Model;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>Captures under a real owner that never stops: each must be the state after one whole batch, between the one read before and the one after.</summary>
public sealed class LevelDbLiveTests(ITestOutputHelper output)
{
    [Fact]
    public Task Captures_under_a_writer_at_full_speed_hold_one_instant() => CaptureManyAsync(captures: 25, fillMegabytes: 2, reopenEvery: 0);

    [Fact]
    public Task Captures_while_the_owner_closes_and_reopens_hold_one_instant() => CaptureManyAsync(captures: 15, fillMegabytes: 2, reopenEvery: 300);

    [Fact]
    [Trait("Category", "Long")]
    public Task A_hundred_captures_of_a_large_database_hold_one_instant() => CaptureManyAsync(captures: 100, fillMegabytes: 220, reopenEvery: 0);

    [Fact]
    [Trait("Category", "Long")]
    public Task A_hundred_captures_of_a_large_database_that_is_reopened_hold_one_instant() => CaptureManyAsync(captures: 100, fillMegabytes: 220, reopenEvery: 5000);

    [Fact]
    public async Task A_naive_copy_is_torn_in_most_runs()
    {
        const int Runs = 12;
        using var db = new LevelDbCase();
        using var writer = Start(db, fillMegabytes: 60, reopenEvery: 0);
        var torn = 0;
        for (var run = 0; run < Runs; run++)
        {
            var before = writer.Written;
            var into = db.NewFolder();
            await CopyByNameAsync(db.Db, Directory.CreateDirectory(Path.Combine(into, "db")).FullName, writer);
            var after = writer.Written;
            torn += await IsTornAsync(db, into, before, after) ? 1 : 0;
            Directory.Delete(into, recursive: true);
        }

        output.WriteLine($"naive copies: {Runs}, torn: {torn}");
        Assert.InRange(torn, (Runs / 2) + 1, Runs);
    }

    private async Task CaptureManyAsync(int captures, int fillMegabytes, int reopenEvery)
    {
        using var db = new LevelDbCase();
        using var writer = Start(db, fillMegabytes, reopenEvery);
        var (attempts, overlapped, batches, slowest, bytes) = (0, 0, 0L, TimeSpan.Zero, 0L);
        for (var i = 0; i < captures; i++)
        {
            Assert.False(writer.HasEnded, $"the owner ended before capture {i}");
            Assert.True(reopenEvery > 0 || LevelDbLock.Probe(db.Db) == LockState.Held);
            var tables = Tables(db.Db);
            var before = writer.Written;
            var started = Stopwatch.GetTimestamp();
            var (capture, into) = await db.CaptureAsync();
            var took = Stopwatch.GetElapsedTime(started);
            var after = writer.Written;

            attempts += capture.Attempts;
            overlapped += Tables(db.Db).SetEquals(tables) ? 0 : 1;
            batches += after - before;
            slowest = took > slowest ? took : slowest;
            bytes = capture.Files.Sum(file => file.Stat.Size);
            await AssertOneInstantAsync(db, capture, into, before, after);
            Directory.Delete(into, recursive: true);
        }

        output.WriteLine(
            $"attempts {attempts}, accepted {captures}, overlapped a compaction {overlapped}, batches written meanwhile {batches}, slowest capture {slowest.TotalMilliseconds:0} ms, last copy {bytes / 1e6:0} MB");
        Assert.False(writer.HasEnded, "the owner failed while it was captured");
        Assert.True(overlapped > 0, "no capture overlapped a compaction: the test shows nothing");
    }

    private static async Task AssertOneInstantAsync(LevelDbCase db, Capture capture, string into, long before, long after)
    {
        var verdict = await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None);
        Assert.Empty(verdict.Errors);
        Assert.Empty(verdict.Warnings);

        var (exitCode, said) = RealLevelDb.Run("check", Path.Combine(into, "db"));
        Assert.True(exitCode == 0, said);
        Assert.InRange(RealLevelDb.Number(said, "seq"), before, after + 1);
        Assert.Equal(RealLevelDb.Number(said, "keys"), verdict.Counts.Values.Sum());
    }

    private static async Task<bool> IsTornAsync(LevelDbCase db, string into, long before, long after)
    {
        var verdict = await db.Engine.VerifyAsync(new Source("db", "leveldb", []), into, CancellationToken.None);
        var (exitCode, said) = RealLevelDb.Run("check", Path.Combine(into, "db"));
        if (exitCode == 0)
        {
            // What the engine opens whole and in time, our verifier must not refuse.
            var isInTime = RealLevelDb.Number(said, "seq") is var seq && seq >= before && seq <= after + 1;
            return !isInTime;
        }

        Assert.True(verdict.IsDamaged || verdict.Notes.Count > 0 || verdict.Warnings.Count > 0 || !said.Contains("Corruption", StringComparison.Ordinal), $"the engine says {said}, the verifier sees nothing");
        return true;
    }

    private static LiveWriter Start(LevelDbCase db, int fillMegabytes, int reopenEvery) =>
        new(db.Db, Path.Combine(db.NewFolder(), "counter"), fillMegabytes, reopenEvery);

    private static HashSet<string> Tables(string folder) => [.. Directory.GetFiles(folder, "*.ldb").Select(path => Path.GetFileName(path))];

    /// <summary>File by file, as a file-based backup does, over a disk so slow that the owner writes and compacts meanwhile.</summary>
    private static async Task CopyByNameAsync(string from, string to, LiveWriter writer)
    {
        var tables = Tables(from);
        var copied = 0;
        foreach (var path in Directory.GetFiles(from).Order(StringComparer.Ordinal).Where(path => Path.GetFileName(path) != "LOCK"))
        {
            try
            {
                File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
            }
            catch (FileNotFoundException)
            {
                // Gone meanwhile: a naive copy goes on.
            }

            if (++copied == 1)
            {
                var written = writer.Written;
                while (writer.Written < written + 200 || Tables(from).IsSupersetOf(tables))
                {
                    await Task.Delay(5);
                }
            }
        }
    }
}
