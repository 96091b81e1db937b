using System.Buffers.Binary;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>The crash and corruption matrix: what a verifier must see, and what it must not make of a healthy database.</summary>
public sealed class SqliteMatrixTests : IDisposable
{
    private const string Rows = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB); CREATE INDEX t_a ON t(a); INSERT INTO t SELECT value, 'row ' || value, randomblob(200) FROM generate_series(1,500);";

    private readonly SqliteStorage storage = new();

    public void Dispose() => storage.Dispose();

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task Every_page_size_in_rollback_mode_is_proven(int pageSize)
    {
        Make($"PRAGMA page_size={pageSize}; {Rows}");
        Assert.Equal(500, (await ProvenAsync()).Counts["t"]);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(65536)]
    public async Task Every_page_size_in_wal_mode_is_proven(int pageSize)
    {
        Make($"PRAGMA page_size={pageSize}; PRAGMA journal_mode=WAL; {Rows}");
        Assert.Equal(500, (await ProvenAsync()).Counts["t"]);
    }

    [Fact]
    public async Task A_database_at_rest_for_long_is_proven()
    {
        Make(Rows);
        Posix.SetModified(storage["app.db"], new UnixTime(1_700_000_000, 0));
        var (capture, _) = await storage.CaptureAsync();
        Assert.Equal("online backup", capture.Method);
        Assert.Equal(500, (await ProvenAsync()).Counts["t"]);
    }

    [Fact]
    public async Task A_database_written_by_vacuum_into_is_proven()
    {
        storage.Sql(storage.Scratch("from.db"), $"{Rows} VACUUM INTO '{storage["app.db"]}';");
        Assert.Equal(500, (await ProvenAsync()).Counts["t"]);
    }

    [Fact]
    public async Task Rows_that_are_only_in_the_wal_are_in_the_copy()
    {
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("PRAGMA journal_mode=WAL");
        await owner.RunAsync("CREATE TABLE t(a)");
        await owner.RunAsync("INSERT INTO t VALUES(1)");
        Assert.True(new FileInfo(storage["app.db"]).Length <= 4096, "the row left the WAL too early for this test");
        Assert.Equal(1, (await ProvenAsync()).Counts["t"]);
    }

    [Fact]
    public async Task A_wal_cut_inside_a_frame_gives_its_whole_transactions()
    {
        using (var owner = await SqliteOwner.OpenAsync(storage["app.db"]))
        {
            await owner.RunAsync("PRAGMA journal_mode=WAL");
            await owner.RunAsync("CREATE TABLE t(a)");
            await owner.RunAsync("INSERT INTO t VALUES(1)");
            await owner.RunAsync("INSERT INTO t VALUES(2)");
            owner.Kill();
        }

        Cut(storage["app.db-wal"], 1);
        Assert.Equal(1, (await ProvenAsync()).Counts["t"]);
    }

    [Fact]
    public async Task A_raw_database_with_its_wal_is_verified_as_its_owner_would_see_it_and_left_as_it_was()
    {
        Fixtures.CopyTo("sqlite/b-wal-committed", storage.Root);
        var before = Hashes(storage.Root);
        var verdict = await storage.Engine.VerifyAsync(storage.Recognise().Single(), storage.Root, CancellationToken.None);

        Assert.True(verdict.IsProven);
        Assert.Equal(400, verdict.Counts["order"]);
        Assert.Equal(before, Hashes(storage.Root));
        Assert.Equal(storage.Root, Assert.Single(Directory.EnumerateDirectories(Path.GetDirectoryName(storage.Root)!)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(40000)]
    public async Task A_file_that_lost_its_end_is_damaged_and_the_page_is_named(int bytes)
    {
        Make(Rows);
        Cut(storage["app.db"], bytes);
        var error = Assert.Single((await DamagedAsync()).Errors);
        Assert.StartsWith("app.db page ", error.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_cut_to_a_few_bytes_of_its_header_is_damaged()
    {
        Make(Rows);
        Cut(storage["app.db"], (int)new FileInfo(storage["app.db"]).Length - 40);
        await DamagedAsync();
    }

    [Fact]
    public async Task Bytes_behind_the_last_page_are_a_warning()
    {
        Make(Rows);
        await File.AppendAllTextAsync(storage["app.db"], "tail");
        var verdict = await VerifyRawAsync();
        Assert.True(verdict.IsProven);
        Assert.Single(verdict.Warnings);
    }

    [Theory]
    [InlineData(3, "magic")]
    [InlineData(16, "page size")]
    [InlineData(100, "page type")]
    [InlineData(32, "freelist")]
    [InlineData(108, "cell pointer")]
    public async Task A_flipped_bit_in_what_holds_the_file_together_is_damage(int offset, string what)
    {
        Make(Rows);
        Flip(storage["app.db"], offset, 0x40);
        Assert.True((await DamagedAsync()).IsDamaged, what);
    }

    [Fact]
    public async Task An_index_entry_that_differs_from_its_row_is_damage_that_only_the_full_check_sees()
    {
        Make("CREATE TABLE t(a TEXT); CREATE INDEX t_a ON t(a); INSERT INTO t VALUES('unmistakable');");
        var bytes = await File.ReadAllBytesAsync(storage["app.db"]);
        Flip(storage["app.db"], bytes.AsSpan().LastIndexOf("unmistakable"u8), 0x01);
        Assert.Equal("ok", storage.Sql(storage["app.db"], "PRAGMA quick_check"));
        Assert.Contains((await DamagedAsync()).Errors, error => error.Where.Contains("t_a", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_flipped_bit_in_a_value_is_invisible_in_this_format()
    {
        Make("CREATE TABLE t(a TEXT); INSERT INTO t VALUES('unmistakable');");
        var bytes = await File.ReadAllBytesAsync(storage["app.db"]);
        Flip(storage["app.db"], bytes.AsSpan().IndexOf("unmistakable"u8), 0x01);
        await ProvenAsync();
    }

    [Fact]
    public async Task Overflow_chains_and_tables_without_rowid_are_walked()
    {
        Make("CREATE TABLE w(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID; INSERT INTO w SELECT value, randomblob(30000) FROM generate_series(1,20);");
        Assert.Equal(20, (await ProvenAsync()).Counts["w"]);

        var bytes = await File.ReadAllBytesAsync(storage["app.db"]);
        var overflow = Enumerable.Range(2, (bytes.Length / 4096) - 2).First(page => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(page * 4096)) == page + 2);
        Flip(storage["app.db"], (overflow * 4096) + 3, 0x7F);
        await DamagedAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData(" without rowid")]
    public async Task A_table_whose_collation_only_its_owner_knows_is_proven_with_a_warning(string kind)
    {
        const string Script = "import sqlite3,sys; db=sqlite3.connect(sys.argv[1]); db.create_collation('mine', lambda a,b: (a[::-1]>b[::-1])-(a[::-1]<b[::-1])); "
            + "db.execute('create table t(a text collate mine primary key)' + sys.argv[2]); db.executemany('insert into t values(?)', [(str(i),) for i in range(50)]); db.commit()";
        SqliteStorage.Shell("python3", ["-c", Script, storage["app.db"], kind]);

        var verdict = await ProvenAsync();
        Assert.Equal(50, verdict.Counts["t"]);
        Assert.Contains("collation mine", Assert.Single(verdict.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_needs_a_function_of_its_owner_is_never_called_damaged()
    {
        const string Script = "import sqlite3,sys; db=sqlite3.connect(sys.argv[1]); db.create_function('mine', 1, lambda a: a, deterministic=True); "
            + "db.execute('create table t(a check (mine(a) > 0))'); db.execute('create index t_i on t(mine(a))'); db.execute('insert into t values(1)'); db.commit()";
        SqliteStorage.Shell("python3", ["-c", Script, storage["app.db"]]);

        var (_, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.Empty(verdict.Errors);
        Assert.True(verdict.IsProven);
        Assert.True(verdict.Level == VerificationLevel.Engine || verdict.Reason is not null);
    }

    [Fact]
    public async Task A_row_that_breaks_a_check_its_owner_switched_off_is_not_damage()
    {
        Make("CREATE TABLE t(a CHECK (a > 0)); PRAGMA ignore_check_constraints=ON; INSERT INTO t VALUES(-1);");
        Assert.Equal(1, (await ProvenAsync()).Counts["t"]);
    }

    [Fact]
    public async Task Strict_tables_are_proven_or_the_verifier_says_it_is_too_old()
    {
        Make("CREATE TABLE t(a INT) STRICT; INSERT INTO t VALUES(1);");
        var (_, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.Empty(verdict.Errors);
        Assert.True(verdict.IsProven);
    }

    [Theory]
    [InlineData(3_099_000, false)]
    [InlineData(3_030_000, true)]
    public async Task A_schema_that_does_not_parse_is_damage_only_where_no_newer_library_wrote_it(int writtenBy, bool isDamaged)
    {
        Make("CREATE TABLE t(a); INSERT INTO t VALUES(1);");
        storage.Sql(storage["app.db"], "PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql='CREATE TABLE t(a) FUTURE';");
        using (var file = Posix.Open(storage["app.db"], OpenFlags.ReadWrite))
        {
            var version = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(version, writtenBy);
            RandomAccess.Write(file, version, 96);
        }

        var verdict = await VerifyRawAsync();
        Assert.Equal(isDamaged, verdict.IsDamaged);
        if (!isDamaged)
        {
            Assert.Equal(VerificationLevel.Archive, verdict.Level);
            Assert.True(verdict.IsProven);
            Assert.Contains("3.99.0", verdict.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Views_triggers_and_virtual_tables_are_neither_run_nor_counted()
    {
        Make("CREATE TABLE t(a); CREATE VIEW v AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT n FROM c; "
            + "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT * FROM v; END; CREATE VIRTUAL TABLE f USING fts5(x);");
        var verdict = await ProvenAsync();
        Assert.False(verdict.Counts.ContainsKey("v"));
        Assert.False(verdict.Counts.ContainsKey("f"));
    }

    private void Make(string sql) => storage.Sql(storage["app.db"], sql);

    private async Task<Verdict> ProvenAsync()
    {
        var (_, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.True(verdict.IsProven, string.Join('\n', verdict.Errors));
        Assert.Equal(VerificationLevel.Engine, verdict.Level);
        return verdict;
    }

    /// <summary>Damage must be seen in the file itself and in a capture of it, which takes it as it is.</summary>
    private async Task<Verdict> DamagedAsync()
    {
        var raw = await VerifyRawAsync();
        Assert.True(raw.IsDamaged);
        var (_, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.True(verdict.IsDamaged);
        return raw;
    }

    private Task<Verdict> VerifyRawAsync() => storage.Engine.VerifyAsync(storage.Recognise().Single(), storage.Root, CancellationToken.None);

    private static void Cut(string file, int bytes)
    {
        using var handle = Posix.Open(file, OpenFlags.ReadWrite);
        RandomAccess.SetLength(handle, RandomAccess.GetLength(handle) - bytes);
    }

    private static void Flip(string file, int offset, byte mask)
    {
        using var handle = Posix.Open(file, OpenFlags.ReadWrite);
        var one = new byte[1];
        RandomAccess.Read(handle, one, offset);
        one[0] ^= mask;
        RandomAccess.Write(handle, one, offset);
    }

    private static List<string> Hashes(string folder) =>
        [.. TreeWalker.Walk(folder).Nodes.Select(node => $"{node.Path} {node.Stat.Modified} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes($"{folder}/{node.Path}")))}")];
}
