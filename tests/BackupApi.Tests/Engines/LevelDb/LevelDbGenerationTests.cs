using BackupApi.Engines.LevelDb;
using BackupApi.Files;
using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>An owner who acts exactly between the reading of the MANIFEST and the copy of the logs and tables: the copy is one state all the same.</summary>
/// <remarks>Nothing here depends on speed: the owner acts when the capture asks its clock for the instant of the copy.</remarks>
public sealed class LevelDbGenerationTests : IDisposable
{
    private readonly LevelDbCase db = new();
    private readonly LevelDbBuilder builder;
    private readonly TableFacts old;

    public LevelDbGenerationTests()
    {
        builder = new LevelDbBuilder(db.Db) { LogNumber = 10, LastSequence = 9 };
        old = builder.Table(2, 3, [[new("a", 1), new("b", 2)]]);
        builder.Log(10, LevelDbBuilder.Batch(new Entry("c", 20)));
        builder.Finish();
    }

    [Fact]
    public async Task A_log_begun_meanwhile_is_left_out_and_the_one_before_is_in_it_with_all_it_got()
    {
        var (capture, into) = Take(() =>
        {
            Append("000010.log", LevelDbBuilder.LogFile([LevelDbBuilder.Batch(new Entry("c", 20)), LevelDbBuilder.Batch(new Entry("d", 21))]));
            builder.Log(11, LevelDbBuilder.Batch(new Entry("e", 22)));
        });

        Assert.Equal(["db/000003.ldb", "db/000010.log", "db/CURRENT", "db/MANIFEST-000002"], Names(capture!));
        await IsOkAsync(into, keys: 4);
    }

    [Fact]
    public async Task A_record_half_written_when_the_log_is_copied_is_left_out()
    {
        var whole = LevelDbBuilder.LogFile([LevelDbBuilder.Batch(new Entry("c", 20)), LevelDbBuilder.Batch(new Entry("d", 21))]);

        var (_, into) = Take(() => Append("000010.log", whole[..^3]));

        await IsOkAsync(into, keys: 3);
    }

    [Fact]
    public async Task A_table_removed_meanwhile_is_copied_from_its_open_handle()
    {
        // A compaction: a new table is written and listed, the old one is removed.
        var (capture, into) = Take(() =>
        {
            builder.Forget(old);
            var compacted = builder.Table(2, 12, [[new("a", 1), new("b", 2), new("c", 20)]]);
            List(compacted);
            File.Delete(db["000003.ldb"]);
        });

        Assert.Contains("db/000003.ldb", Names(capture!));
        Assert.DoesNotContain("db/000012.ldb", Names(capture!));
        await IsOkAsync(into, keys: 3);
    }

    [Fact]
    public void A_copy_is_refused_when_the_owner_opened_the_database_anew()
    {
        var (capture, _) = Take(() =>
        {
            File.WriteAllText(db["000013.dbtmp"], "MANIFEST-000002\n");
            Posix.Rename(db["000013.dbtmp"], db["CURRENT"]);
        });

        Assert.Null(capture);
    }

    [Fact]
    public async Task A_naive_copy_that_meets_the_same_compaction_is_damaged()
    {
        // The MANIFEST first, the tables after the compaction: the harness can see what the protocol prevents.
        var into = Directory.CreateDirectory(Path.Combine(db.NewFolder(), "db")).FullName;
        File.Copy(db["CURRENT"], Path.Combine(into, "CURRENT"));
        File.Copy(db["MANIFEST-000002"], Path.Combine(into, "MANIFEST-000002"));
        File.Delete(db["000003.ldb"]);
        File.Copy(db["000010.log"], Path.Combine(into, "000010.log"));

        var verdict = await db.Engine.VerifyAsync(new Source("db", "leveldb", []), Path.GetDirectoryName(into)!, CancellationToken.None);

        Assert.True(verdict.IsDamaged);
    }

    public void Dispose() => db.Dispose();

    private (FolderCopy? Copy, string Into) Take(Action act)
    {
        var into = db.NewFolder();
        var capture = new FolderCapture(db.Source, db.Storage, into, new ActingClock(act), TimeSpan.Zero);
        Directory.CreateDirectory(capture.To);
        return (LiveCopy.TryTake(capture, CancellationToken.None), into);
    }

    private async Task IsOkAsync(string into, long keys)
    {
        var verdict = await db.Engine.VerifyAsync(new Source("db", "leveldb", []), into, CancellationToken.None);
        Assert.Empty(verdict.Errors);
        Assert.Empty(verdict.Warnings);
        Assert.Equal(keys, verdict.Counts.Values.Sum());
    }

    /// <summary>Appends what a longer version of a file has more.</summary>
    private void Append(string name, byte[] longer)
    {
        using var file = new FileStream(db[name], FileMode.Append);
        file.Write(longer.AsSpan((int)file.Length));
    }

    /// <summary>The record by which the owner exchanges the old table for another.</summary>
    private void List(TableFacts table)
    {
        byte[] edit =
        [
            6, (byte)old.Level, .. LevelDbBuilder.Varint(old.Number),
            7, (byte)table.Level, .. LevelDbBuilder.Varint(table.Number), .. LevelDbBuilder.Varint((ulong)table.Size),
            .. LevelDbBuilder.Varint((ulong)table.Smallest.Length), .. table.Smallest, .. LevelDbBuilder.Varint((ulong)table.Largest.Length), .. table.Largest,
        ];
        using var manifest = new FileStream(db["MANIFEST-000002"], FileMode.Append);
        manifest.Write(LevelDbBuilder.LogFile([edit]));
    }

    private static string[] Names(FolderCopy copy) => [.. copy.Files.Select(file => file.Name).Order(StringComparer.Ordinal)];

    private sealed class ActingClock(Action act) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            act();
            return DateTimeOffset.UnixEpoch;
        }
    }
}
