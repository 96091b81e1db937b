using System.Diagnostics;
using BackupApi.Engines.LevelDb;
using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>Lists that contradict themselves, foreign folders, and sizes that are meant to hurt.</summary>
public sealed class LevelDbStructureTests : IDisposable
{
    private readonly LevelDbCase db = new();

    // --- the MANIFEST's list

    [Fact]
    public async Task Tables_that_overlap_on_level_1_are_damage()
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1), new("m", 2)]]);
        builder.Table(1, 4, [[new("k", 3), new("z", 4)]]);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000004.ldb", "overlap");
    }

    [Fact]
    public async Task Tables_that_overlap_on_level_0_are_as_they_should_be()
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(0, 3, [[new("a", 1), new("m", 2)]]);
        builder.Table(0, 4, [[new("k", 3), new("z", 4)]]);
        builder.Finish();

        Assert.True((await db.VerifyAsync()).IsProven);
    }

    [Fact]
    public async Task A_number_that_is_live_on_two_levels_is_damage()
    {
        var builder = new LevelDbBuilder(db.Db);
        var table = builder.Table(1, 3, [[new("a", 1)]]);
        builder.List(table with { Level = 2 });
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb", "on level 1 and on level 2");
    }

    [Fact]
    public async Task A_table_that_no_list_knows_is_a_warning_and_is_not_captured()
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)]]);
        builder.Forget(builder.Table(1, 4, [[new("b", 2)]]));
        builder.Finish();

        var verdict = await db.VerifyAsync();
        var (capture, _) = await db.CaptureAsync();

        Assert.True(verdict.IsProven);
        Assert.Equal("db/000004.ldb", Assert.Single(verdict.Warnings).Where);
        Assert.DoesNotContain(capture.Files, file => file.Name == "db/000004.ldb");
    }

    [Theory]
    [InlineData((byte)8)]
    [InlineData((byte)10)]
    [InlineData((byte)99)]
    public async Task An_unknown_tag_in_the_MANIFEST_is_damage(byte tag)
    {
        var builder = new LevelDbBuilder(db.Db) { MoreFields = [tag, 0] };
        builder.Finish();

        Assert.NotNull(db.FindSource());
        AssertDamaged(await db.VerifyAsync(), "db/MANIFEST-000002", "unknown tag");
    }

    [Fact]
    public async Task A_level_that_does_not_exist_is_damage()
    {
        new LevelDbBuilder(db.Db) { MoreFields = [6, 7, 1] }.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/MANIFEST-000002", "malformed");
    }

    [Fact]
    public async Task A_number_at_or_above_the_next_file_number_is_damage()
    {
        var builder = new LevelDbBuilder(db.Db) { NextFile = 3 };
        builder.Table(1, 3, [[new("a", 1)]]);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb", "next file number");
    }

    [Fact]
    public async Task Another_comparator_is_a_warning_and_order_is_not_judged()
    {
        var builder = new LevelDbBuilder(db.Db) { Comparator = "idb_cmp1" };
        builder.Table(1, 3, [[new("z", 1), new("a", 2)]]);
        builder.Finish();

        var verdict = await db.VerifyAsync();

        Assert.True(verdict.IsProven);
        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("idb_cmp1", StringComparison.Ordinal));
        Assert.Empty(verdict.Counts);
    }

    [Theory]
    [InlineData("CURRENT")]
    [InlineData("MANIFEST-000002")]
    [InlineData("000003.ldb")]
    [InlineData("000090.log")]
    public async Task A_folder_or_a_pipe_in_the_place_of_a_file_is_damage(string name)
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)]]);
        builder.Log(90);
        builder.Finish();
        File.Delete(db[name]);
        Directory.CreateDirectory(db[name]);
        Assert.True((await db.VerifyAsync()).IsDamaged);

        Directory.Delete(db[name]);
        using var pipe = Process.Start("mkfifo", [db[name]]);
        await pipe.WaitForExitAsync();
        Assert.True((await db.VerifyAsync()).IsDamaged);
    }

    // --- tables

    [Theory]
    [InlineData("b", 1ul, "a", 2ul)]
    [InlineData("a", 1ul, "a", 2ul)]
    [InlineData("a", 2ul, "a", 2ul)]
    public async Task Keys_that_do_not_ascend_are_damage(string first, ulong firstSequence, string second, ulong secondSequence)
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(0, 3, [[new(first, firstSequence), new(second, secondSequence)]]);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb block 1 offset 0", "ascending");
    }

    [Fact]
    public async Task Blocks_that_do_not_ascend_are_damage()
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(0, 3, [[new("m", 1), new("n", 2)], [new("a", 3), new("z", 4)]]);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb block 2", "index key");
    }

    [Fact]
    public async Task A_sequence_number_above_the_last_one_is_damage()
    {
        var builder = new LevelDbBuilder(db.Db) { LastSequence = 5 };
        builder.Table(1, 3, [[new("a", 6)]]);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb block 1", "sequence number");
    }

    [Fact]
    public async Task A_zstd_block_is_a_warning_because_only_its_checksum_can_be_checked()
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)]], type: 2);
        builder.Finish();

        var verdict = await db.VerifyAsync();

        Assert.True(verdict.IsProven);
        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("zstd", StringComparison.Ordinal));
        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("not counted in full", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unknown_compression_is_damage()
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)]], type: 9);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000003.ldb block 1", "compression type 9");
    }

    // --- logs

    [Fact]
    public async Task Sequence_numbers_that_go_back_in_a_log_are_damage()
    {
        var builder = new LevelDbBuilder(db.Db) { LogNumber = 4 };
        builder.Log(4, LevelDbBuilder.Batch(new Entry("a", 10)), LevelDbBuilder.Batch(new Entry("b", 10)));
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000004.log offset", "goes back");
    }

    [Fact]
    public async Task A_batch_whose_count_does_not_match_is_damage()
    {
        var batch = LevelDbBuilder.Batch(new Entry("a", 10));
        batch[8] = 2;
        var builder = new LevelDbBuilder(db.Db) { LogNumber = 4 };
        builder.Log(4, batch);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000004.log offset 0", "as many entries");
    }

    [Fact]
    public async Task A_sequence_number_of_2_to_the_56_is_damage()
    {
        var batch = LevelDbBuilder.Batch(new Entry("a", 1));
        BitConverter.TryWriteBytes(batch, 1UL << 56);
        var builder = new LevelDbBuilder(db.Db) { LogNumber = 4 };
        builder.Log(4, batch);
        builder.Finish();

        AssertDamaged(await db.VerifyAsync(), "db/000004.log offset 0", "higher than any");
    }

    // --- sizes meant to hurt

    [Theory]
    [InlineData(64u << 20)]
    [InlineData(uint.MaxValue)]
    public void A_block_that_declares_64_MiB_or_more_takes_no_memory(uint declared)
    {
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)]], type: 1, encode: _ => [.. LevelDbBuilder.Varint(declared), 0, 0]);
        builder.Finish();

        // On this thread: others allocate for tests of their own.
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertDamaged(LevelDbVerifier.Verify(db.Db, "db/", CancellationToken.None), "db/000003.ldb block 1", "length is malformed");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    [Fact]
    public async Task A_snappy_bomb_is_bounded_by_its_own_size()
    {
        // A literal of one byte, then copies of 64 bytes in 3 bytes each: 48 MiB out of 2.25 MiB.
        const int Copies = 786_432;
        byte[] Bomb(byte[] content) => [.. LevelDbBuilder.Varint((64L * Copies) + 1), 0, 0, .. Enumerable.Repeat<byte[]>([0xFE, 1, 0], Copies).SelectMany(copy => copy)];
        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)], [new("b", 2)], [new("c", 3)]], type: 1, encode: Bomb);
        builder.Finish();

        var started = Stopwatch.GetTimestamp();
        var verdict = await db.VerifyAsync();

        Assert.True(verdict.IsDamaged);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    [Fact]
    public async Task Keys_that_share_a_long_beginning_with_the_one_before_are_given_up_not_multiplied()
    {
        // One key of 1 MiB, then 60,000 that share it: 60 GB of keys in a block of 2 MiB.
        const int Long = 1 << 20;
        static byte[] Keys(byte[] _)
        {
            var block = new MemoryStream();
            block.Write([0, .. LevelDbBuilder.Varint(Long + 8), 0, .. new byte[Long], .. new byte[] { 1, 1, 0, 0, 0, 0, 0, 0 }]);
            for (var i = 1; i < 60_000; i++)
            {
                byte[] suffix = [(byte)(i >> 16), (byte)(i >> 8), (byte)i, 1, 1, 0, 0, 0, 0, 0, 0];
                block.Write([.. LevelDbBuilder.Varint(Long), (byte)suffix.Length, 0, .. suffix]);
            }

            block.Write([0, 0, 0, 0, 1, 0, 0, 0]);
            return block.ToArray();
        }

        var builder = new LevelDbBuilder(db.Db);
        builder.Table(1, 3, [[new("a", 1)]], encode: Keys);
        builder.Finish();

        var started = Stopwatch.GetTimestamp();
        var verdict = await db.VerifyAsync();

        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("too long", StringComparison.Ordinal));
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    [Fact]
    public void A_log_larger_than_the_memory_for_sorting_is_counted_in_rounds()
    {
        var builder = new LevelDbBuilder(db.Db) { LogNumber = 4 };
        var random = new Random(3);
        var entries = Enumerable.Range(0, 20_000).Select(i => new Entry($"k/{random.Next(8000):D6}", (ulong)i + 1, random.Next(3) == 0 ? null : "v")).ToList();
        builder.Log(4, [.. entries.Select(entry => LevelDbBuilder.Batch(entry))]);
        builder.Finish();
        var expected = entries.GroupBy(entry => entry.Key, StringComparer.Ordinal).Count(versions => versions.Last().Value is not null);

        var spaces = new KeySpaces();
        var verification = new Verification(db.Db, new Findings(""), CancellationToken.None);
        using var logs = new LogKeys(verification, ["000004.log"], budgetBytes: 64 << 10);
        KeyMerge.Count(verification, [logs], 1 << 20, spaces);

        Assert.InRange(logs.Rounds, 2, 24);
        Assert.Null(verification.NotCounted);
        Assert.Equal(expected, spaces.Counts["k"]);
    }

    [Fact]
    public void Names_of_key_spaces_are_bounded()
    {
        var spaces = new KeySpaces();
        for (var i = 0; i < 1000; i++)
        {
            spaces.Add(System.Text.Encoding.ASCII.GetBytes($"user{i:D4}:name"));
        }

        Assert.InRange(spaces.Counts.Count, 2, 70);
        Assert.Equal(1000, spaces.Counts.Values.Sum());
    }

    [Theory]
    [InlineData("doc/1", "doc")]
    [InlineData("doc:1", "doc")]
    [InlineData("!items!1", "items")]
    [InlineData("550e8400-e29b-41d4-a716-446655440000", "(keys)")]
    [InlineData("/leading", "(keys)")]
    [InlineData("two words:1", "(keys)")]
    [InlineData("", "(keys)")]
    public void A_key_space_is_the_name_before_the_first_separator(string key, string space)
    {
        var spaces = new KeySpaces();
        spaces.Add(System.Text.Encoding.UTF8.GetBytes(key));

        Assert.Equal(space, Assert.Single(spaces.Counts).Key);
    }

    public void Dispose() => db.Dispose();

    private static void AssertDamaged(Verdict verdict, string where, string message) =>
        Assert.Contains(verdict.Errors, error => error.Where.StartsWith(where, StringComparison.Ordinal) && error.Message.Contains(message, StringComparison.Ordinal));
}
