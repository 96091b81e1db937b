using System.Text;
using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>Crashes and corruption, one by one: what is normal after a crash is ok, what loses data is damage with its place, what only looks odd is a warning.</summary>
public sealed class LevelDbMatrixTests : IDisposable
{
    private readonly LevelDbCase db = new();

    // --- healthy forms

    [Fact]
    public async Task A_database_of_several_levels_and_two_logs_is_counted_by_the_newest_version_of_each_key()
    {
        var builder = new LevelDbBuilder(db.Db) { LogNumber = 10 };
        builder.Table(2, 3, [[new("a/1", 1), new("a/2", 2)], [new("a/3", 3), new("b/1", 4)]]);
        builder.Table(1, 4, [[new("a/2", 5, null), new("b/1", 6)]]);
        builder.Table(0, 5, [[new("a/3", 7, null), new("c/1", 8), new("c/2", 9)]]);
        builder.Log(10, LevelDbBuilder.Batch(new("a/3", 10), new("c/1", 11, null)));
        builder.Log(12, LevelDbBuilder.Batch(new("c/1", 12), new("d", 13)), LevelDbBuilder.Batch(new Entry("c/2", 14, null)));
        builder.Finish();

        var verdict = await db.VerifyAsync();

        AssertOk(verdict);
        Assert.Equal("(keys)=1 a=2 b=1 c=1", Show(verdict));
        Assert.Equal(5, RealLevelDb.Count(db.Db));
    }

    [Fact]
    public async Task Tables_with_the_old_name_sst_are_read_and_captured()
    {
        var builder = new LevelDbBuilder(db.Db) { Extension = ".sst" };
        builder.Table(1, 3, [[new("a", 1)]]);
        builder.Finish();

        var (capture, into) = await db.CaptureAsync();

        AssertOk(await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None));
        Assert.Contains(capture.Files, file => file.Name == "db/000003.sst");
        Assert.Equal(1, RealLevelDb.Count(Path.Combine(into, "db")));
    }

    [Fact]
    public async Task A_log_of_many_megabytes_is_sorted_and_counted()
    {
        var builder = new LevelDbBuilder(db.Db) { LogNumber = 5 };
        var random = new Random(1);
        var batches = Enumerable.Range(0, 2000).Select(i => LevelDbBuilder.Batch([.. Enumerable.Range(0, 50).Select(j => new Entry($"k/{random.Next(60_000):D8}", (ulong)((i * 50) + j + 1), random.Next(4) == 0 ? null : new string('x', 100)))]));
        builder.Log(5, [.. batches]);
        builder.Finish();

        var verdict = await db.VerifyAsync();

        AssertOk(verdict);
        Assert.Equal(RealLevelDb.Count(db.Db), verdict.Counts["k"]);
    }

    [Fact]
    public async Task A_folder_of_goleveldb_with_a_backup_of_its_CURRENT_is_LevelDB()
    {
        Small().Finish();
        await File.WriteAllTextAsync(db["CURRENT.bak"], "MANIFEST-000001\n");

        Assert.DoesNotContain("db/CURRENT.bak", db.Source.Files, StringComparer.Ordinal);
        AssertOk(await db.VerifyAsync());
    }

    // --- generations mixed

    [Fact]
    public async Task A_MANIFEST_older_than_the_tables_is_damage_because_tables_are_missing()
    {
        var builder = Small();
        builder.List(new TableFacts(1, 7, 1000, LevelDbBuilder.InternalKey(new("x", 9)), LevelDbBuilder.InternalKey(new("y", 9))));
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000007.ldb", "missing");
    }

    [Fact]
    public async Task A_later_log_behind_one_that_is_cut_is_damage_because_writes_between_are_lost()
    {
        var builder = Small(logNumber: 10);
        var older = builder.Log(10, Batches(1, 20));
        builder.Log(11, Batches(100, 5));
        builder.Finish();
        LevelDbCase.Cut(older, 10);

        AssertDamaged(await db.VerifyAsync(), "db/000010.log offset", "later log");
    }

    [Fact]
    public async Task A_cut_log_before_an_empty_one_is_only_a_torn_tail()
    {
        var builder = Small(logNumber: 10);
        var older = builder.Log(10, Batches(1, 20));
        builder.Log(11);
        builder.Finish();
        LevelDbCase.Cut(older, 10);

        AssertOk(await db.VerifyAsync());
    }

    // --- truncation

    [Theory]
    [InlineData(3)]
    [InlineData(50)]
    [InlineData(112)]
    public async Task A_log_cut_in_a_header_or_a_payload_is_a_valid_prefix(int cut)
    {
        var builder = Small(logNumber: 10);
        var log = builder.Log(10, Batches(1, 20));
        builder.Finish();
        LevelDbCase.Cut(log, cut);

        var verdict = await db.VerifyAsync();

        AssertOk(verdict);
        Assert.Single(verdict.Notes);
        Assert.Equal(RealLevelDb.Count(db.Db), verdict.Counts.Values.Sum());
    }

    [Fact]
    public async Task A_log_cut_at_the_edge_of_a_block_is_a_valid_prefix()
    {
        var builder = Small(logNumber: 10);
        var log = builder.Log(10, LevelDbBuilder.Batch(new Entry("one", 1)), LevelDbBuilder.Batch(new Entry("large", 2, new string('x', 40_000))));
        builder.Finish();
        LevelDbCase.Cut(log, new FileInfo(log).Length - 32768);

        var verdict = await db.VerifyAsync();

        AssertOk(verdict);
        Assert.Equal("(keys)=3", Show(verdict));
        Assert.Equal(3, RealLevelDb.Count(db.Db));
    }

    [Fact]
    public async Task A_MANIFEST_cut_behind_a_whole_snapshot_is_a_warning()
    {
        using var case2 = new LevelDbCase("c-multi-level-small");
        LevelDbCase.Cut(case2.Only("MANIFEST-*"), 3);

        var verdict = await case2.VerifyAsync();

        // The change that was cut off had removed tables: they are missing now, or it opens as it was before.
        Assert.True(verdict.Warnings.Any(warning => warning.Where.StartsWith("db/MANIFEST", StringComparison.Ordinal)), string.Join('\n', verdict.Errors));
    }

    [Fact]
    public async Task A_table_one_byte_short_is_damage()
    {
        Small().Finish();
        LevelDbCase.Cut(db.Only("*.ldb"), 1);

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb", "bytes");
    }

    [Theory]
    [InlineData("MANIFEST-000002")]
    [InlineData("MANIFEST-00000")]
    [InlineData("")]
    [InlineData("MANIFEST-000002\0\n")]
    [InlineData("MANIFEST-000002\nMANIFEST-000003\n")]
    public async Task A_CURRENT_without_a_line_end_or_with_something_else_is_damage(string content)
    {
        Small().Finish();
        await File.WriteAllTextAsync(db["CURRENT"], content);

        Assert.NotNull(db.FindSource());
        AssertDamaged(await db.VerifyAsync(), "db/CURRENT", "line end");
    }

    [Fact]
    public async Task A_missing_CURRENT_is_damage_and_the_folder_is_still_captured()
    {
        Small().Finish();
        File.Delete(db["CURRENT"]);

        var (capture, into) = await db.CaptureAsync();

        Assert.Equal("db/000003.ldb db/MANIFEST-000002", string.Join(' ', capture.Files.Select(file => file.Name)));
        AssertDamaged(await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None), "db/CURRENT", "missing");
    }

    // --- flipped bits

    [Theory]
    [InlineData(5, "block 1 offset 0", "checksum")]
    [InlineData(-1, "footer", "footer")]
    [InlineData(-48, "000003.ldb", "")]
    public async Task A_changed_byte_of_a_table_is_damage_with_its_place(int at, string where, string message)
    {
        Small().Finish();
        db.Change(db.Only("*.ldb"), bytes => bytes[at < 0 ? bytes.Length + at : at] ^= 0x41);

        var verdict = await db.VerifyAsync();

        Assert.True(verdict.IsDamaged);
        Assert.Contains(verdict.Errors, error => (error.Where + error.Message).Contains(where, StringComparison.Ordinal) && error.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_byte_of_a_small_table_is_guarded_but_for_the_padding()
    {
        Small().Finish();
        var path = db.Only("*.ldb");
        var bytes = await File.ReadAllBytesAsync(path);
        var unseen = new List<int>();
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 0x10;
            await File.WriteAllBytesAsync(path, bytes);
            var verdict = await db.VerifyAsync();
            if (!verdict.IsDamaged && verdict.Warnings.Count == 0)
            {
                unseen.Add(i);
            }

            bytes[i] ^= 0x10;
        }

        Assert.Empty(unseen);
    }

    [Fact]
    public async Task A_changed_byte_in_the_middle_of_a_log_is_damage_though_the_engine_ignores_it()
    {
        var builder = Small(logNumber: 10);
        var log = builder.Log(10, Batches(1, 3000));
        builder.Finish();
        db.Change(log, bytes => bytes[40_000] ^= 1);

        AssertDamaged(await db.VerifyAsync(), "db/000010.log offset", "sound records follow");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(20)]
    public async Task A_changed_byte_in_the_last_block_of_a_log_is_damage_when_records_follow_it(int at)
    {
        var builder = Small(logNumber: 10);
        var log = builder.Log(10, Batches(1, 10));
        builder.Finish();
        db.Change(log, bytes => bytes[at] ^= 0x40);

        AssertDamaged(await db.VerifyAsync(), "db/000010.log offset 0", "sound records follow");
    }

    [Fact]
    public async Task A_log_stored_as_a_value_and_cut_with_it_is_not_taken_for_records_that_follow()
    {
        var builder = Small(logNumber: 10);
        var inner = Encoding.Latin1.GetString(LevelDbBuilder.LogFile([.. Batches(1_000_000_000, 20)]).Select(value => (byte)(value & 0x7F)).ToArray());
        var log = builder.Log(10, LevelDbBuilder.Batch(new Entry("a", 1)), LevelDbBuilder.Batch(new Entry("b", 2, inner)));
        builder.Finish();
        LevelDbCase.Cut(log, 5);

        AssertOk(await db.VerifyAsync());
    }

    [Fact]
    public async Task Zeros_at_the_end_of_a_log_are_a_warning_and_zeros_in_the_middle_are_damage()
    {
        var builder = Small(logNumber: 10);
        var log = builder.Log(10, Batches(1, 3000));
        builder.Finish();
        using (var file = File.OpenWrite(log))
        {
            file.SetLength(file.Length + 5000);
        }

        var verdict = await db.VerifyAsync();
        AssertProven(verdict);
        Assert.NotEmpty(verdict.Warnings);

        db.Change(log, bytes => bytes.AsSpan(32768, 32768).Clear());
        AssertDamaged(await db.VerifyAsync(), "db/000010.log offset", "sound records follow");
    }

    [Fact]
    public async Task A_smallest_or_largest_key_that_is_not_the_tables_is_damage()
    {
        var builder = new LevelDbBuilder(db.Db);
        var table = builder.Table(1, 3, [[new("b", 1), new("c", 2)]]);
        builder.Forget(table);
        builder.List(table with { Smallest = LevelDbBuilder.InternalKey(new("a", 1)), Largest = LevelDbBuilder.InternalKey(new("d", 2)) });
        builder.Finish();

        var verdict = await db.VerifyAsync();

        AssertDamaged(verdict, "db/000003.ldb", "smallest");
        AssertDamaged(verdict, "db/000003.ldb", "largest");
    }

    public void Dispose() => db.Dispose();

    private LevelDbBuilder Small(ulong logNumber = 90)
    {
        var builder = new LevelDbBuilder(db.Db) { LogNumber = logNumber };
        builder.Table(1, 3, [[new("k1", 1), new("k2", 2)]]);
        return builder;
    }

    /// <summary>Batches of one entry, about 60 bytes each in a log.</summary>
    private static byte[][] Batches(ulong firstSequence, int count) =>
        [.. Enumerable.Range(0, count).Select(i => LevelDbBuilder.Batch(new Entry($"log/{i:D8}", firstSequence + (ulong)i, "some value of a few bytes")))];

    private static void AssertProven(Verdict verdict)
    {
        Assert.Empty(verdict.Errors);
        Assert.True(verdict.IsProven);
    }

    private static void AssertOk(Verdict verdict)
    {
        AssertProven(verdict);
        Assert.Empty(verdict.Warnings);
    }

    private static void AssertDamaged(Verdict verdict, string where, string message) =>
        Assert.Contains(verdict.Errors, error => error.Where.StartsWith(where, StringComparison.Ordinal) && error.Message.Contains(message, StringComparison.Ordinal));

    private static string Show(Verdict verdict) => string.Join(' ', verdict.Counts.Select(count => $"{count.Key}={count.Value}"));
}
