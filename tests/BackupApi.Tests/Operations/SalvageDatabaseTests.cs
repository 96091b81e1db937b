using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Engines.LevelDb;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Damaged real databases are salvaged, and what comes out is compared with the healthy ones they were made of.</summary>
public sealed class SalvageDatabaseTests : IDisposable
{
    private const string Rows = "SELECT 'customer', * FROM customer; SELECT 'order', * FROM \"order\"; SELECT 'blobs', id, hex(data) FROM blobs; SELECT 'tag', * FROM tag";

    private readonly RestoreWorld world = new();

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_sqlite_database_with_a_damaged_index_is_indexed_anew_and_loses_no_row()
    {
        world.AddDatabase("sqlite/e-index-row-missing", "sql");
        var before = TreeImage.Of(world.Storage);

        var result = await SalvageAsync("sql/data.db");

        Assert.Equal("reindexed", result.Salvaged.Method);
        Assert.Empty(result.Salvaged.NotReadable);
        Assert.NotEmpty(result.Damage);
        Assert.Equal("ok\n", Shell.Run($"{result.Folder}/files", "sqlite3 data.db 'PRAGMA integrity_check'"));
        Assert.Equal(RowsOf($"{world.Storage}/sql/data.db"), RowsOf($"{result.Folder}/files/data.db"));
        Assert.Equal(before, TreeImage.Of(world.Storage));
    }

    [Theory]
    [InlineData("cp {f}/sqlite/e-corrupt-page/data.db sql/data.db")]
    [InlineData("dd if=/dev/urandom of=sql/data.db bs=4096 seek=9 count=2 conv=notrunc status=none")]
    [InlineData("dd if=/dev/zero of=sql/data.db bs=4096 seek=3 count=1 conv=notrunc status=none")]
    public async Task Every_row_that_a_damaged_sqlite_database_still_shows_comes_out_and_nothing_that_was_not_there(string harm)
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        var healthy = RowsOf($"{world.Storage}/sql/data.db");
        Shell.Run(world.Storage, harm.Replace("{f}", Path.GetDirectoryName(Fixtures.Of("sqlite"))!, StringComparison.Ordinal));

        var result = await SalvageAsync("sql/data.db");

        Assert.Equal("ok\n", Shell.Run($"{result.Folder}/files", "sqlite3 data.db 'PRAGMA integrity_check'"));
        var salvaged = RowsOf($"{result.Folder}/files/data.db");
        Assert.Empty(salvaged.Except(healthy, StringComparer.Ordinal));

        // The root page of a table takes all of it with it.
        Assert.InRange(salvaged.Count, healthy.Count / 3, healthy.Count);
        Assert.True(salvaged.Count == healthy.Count || result.Salvaged.NotReadable.Count > 0, "Rows are missing and nothing was said of it.");
        Assert.Equal(salvaged.Count, result.Salvaged.Counts.Values.Sum());
    }

    [Fact]
    public async Task Each_row_around_the_damaged_pages_of_a_large_table_comes_out()
    {
        Shell.Run(world.Storage, "sqlite3 big.db \"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) INSERT INTO t SELECT i*3, hex(randomblob(40)) FROM n\"");
        var healthy = Shell.Run(world.Storage, "sqlite3 big.db 'SELECT * FROM t'").Split('\n').ToHashSet(StringComparer.Ordinal);
        Shell.Run(world.Storage, "for page in 50 51 200 333; do dd if=/dev/zero of=big.db bs=4096 seek=$page count=1 conv=notrunc status=none; done");

        var result = await SalvageAsync("big.db");

        var salvaged = Shell.Run($"{result.Folder}/files", "sqlite3 big.db 'SELECT * FROM t'").Split('\n').ToHashSet(StringComparer.Ordinal);
        Assert.Empty(salvaged.Except(healthy, StringComparer.Ordinal));

        // A page of 4,096 bytes holds fewer than 50 of these rows.
        Assert.InRange(healthy.Count - salvaged.Count, 4, 200);
        Assert.InRange(result.Salvaged.NotReadable.Count(finding => finding.Message.Contains("from rowid", StringComparison.Ordinal)), 3, 4);
    }

    [Theory]
    [InlineData("[leaves[0], leaves[200], leaves[201], leaves[333]]", 20_000 - 60, "from its beginning to rowid")]
    [InlineData("[1]", 0, "from its beginning on")]
    public async Task Damage_at_the_beginning_of_a_large_table_costs_what_lies_there_and_no_more(string which, int most, string told)
    {
        // The rowids are instants: far apart, and far from zero. The second page is the table's root.
        Shell.Run(world.Storage, "sqlite3 big.db \"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) INSERT INTO t SELECT 1700000000000 + i*977, hex(randomblob(40)) FROM n\"");
        var healthy = Shell.Run(world.Storage, "sqlite3 big.db 'SELECT * FROM t'").Split('\n').ToHashSet(StringComparer.Ordinal);
        Shell.Run(world.Storage, $"python3 -c \"d=bytearray(open('big.db','rb').read()); leaves=[i for i in range(2,len(d)//4096) if d[i*4096]==13]\nfor i in {which}: d[i*4096:i*4096+4096]=bytes(4096)\nopen('big.db','wb').write(d)\"");

        var result = await SalvageAsync("big.db");

        var salvaged = Shell.Run($"{result.Folder}/files", "sqlite3 big.db 'SELECT * FROM t'").Split('\n').ToHashSet(StringComparer.Ordinal);
        Assert.Empty(salvaged.Except(healthy, StringComparer.Ordinal));
        Assert.InRange(salvaged.Count, most - 200, Math.Max(most, 1));
        Assert.Contains(result.Salvaged.NotReadable, finding => finding.Message.Contains(told, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("truncate -s -4096 big.db", 1)]
    [InlineData("truncate -s -40000 big.db", 10)]
    [InlineData("printf XYZ | dd of=big.db conv=notrunc status=none", 0)]
    [InlineData("printf '\\011\\011' | dd of=big.db bs=1 seek=18 conv=notrunc status=none; truncate -s -4096 big.db", 1)]
    public async Task A_file_with_a_wrong_beginning_or_that_ends_too_early_shows_all_that_it_still_holds(string harm, int pagesLost)
    {
        Shell.Run(world.Storage, "sqlite3 big.db \"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000) INSERT INTO t SELECT i, hex(randomblob(40)) FROM n\"");
        Shell.Run(world.Storage, harm);

        var result = await SalvageAsync("big.db");

        // A page holds fewer than 50 rows.
        Assert.InRange(result.Salvaged.Counts["t"], 20_000 - (50 * pagesLost), 20_000 - pagesLost);
        Assert.NotEmpty(result.Damage);
        Assert.Equal(pagesLost > 0, result.Salvaged.NotReadable.Count > 0);
        Assert.Equal($"{result.Salvaged.Counts["t"]}\n", Shell.Run($"{result.Folder}/files", "sqlite3 big.db 'SELECT count(*) FROM t'"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("WITHOUT ROWID")]
    public async Task Pages_that_lead_to_one_another_over_and_over_end(string kind)
    {
        Shell.Run(world.Storage, $"sqlite3 big.db \"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT) {kind}; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60000) INSERT INTO t SELECT i*3, hex(randomblob(20)) FROM n; CREATE TABLE whole AS SELECT * FROM t LIMIT 100\"");

        // Every child of the root is one page, every child of that one the next, and so on: billions of ways to the same leaf.
        Shell.Run(world.Storage, """
            python3 - <<'END'
            import struct
            d = bytearray(open('big.db', 'rb').read())
            def kids(page):
                b = (page - 1) * 4096
                return [b + struct.unpack('>H', d[b + 12 + 2 * i:b + 14 + 2 * i])[0] for i in range(struct.unpack('>H', d[b + 3:b + 5])[0])] + [b + 8]
            def child(at): return struct.unpack('>I', d[at:at + 4])[0]
            inner = [child(at) for at in kids(2)]
            leaf = child(kids(inner[0])[0])
            chain = [2] + inner[:5]
            for page, below in zip(chain, chain[1:] + [leaf]):
                for at in kids(page): d[at:at + 4] = struct.pack('>I', below)
            open('big.db', 'wb').write(d)
            END
            """);
        var before = TreeImage.Of(world.Storage);

        var result = await SalvageAsync("big.db").WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(100, result.Salvaged.Counts["whole"]);
        Assert.InRange(result.Salvaged.Counts["t"], 1, 400);
        Assert.NotEmpty(result.Salvaged.NotReadable);
        Assert.Equal(before, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task A_row_whose_overflow_pages_do_not_stand_is_lost_alone_also_as_the_first_of_its_table()
    {
        Shell.Run(world.Storage, "sqlite3 big.db \"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES(1, hex(zeroblob(20000))); WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i+1 FROM n WHERE i<200) INSERT INTO t SELECT i, 'row' || i FROM n\"");
        Shell.Run(world.Storage, """python3 -c "d=bytearray(open('big.db','rb').read()); i=next(i for i in range(2,len(d)//4096) if d[i*4096+100:i*4096+120]==b'0'*20); d[i*4096:i*4096+4]=b'\x7f\xff\xff\xff'; open('big.db','wb').write(d)" """);

        var result = await SalvageAsync("big.db");

        Assert.Equal(199, result.Salvaged.Counts["t"]);
        Assert.Contains("at rowid 1:", Assert.Single(result.Salvaged.NotReadable).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_too_large_for_the_memory_that_is_set_costs_itself_alone_and_never_comes_out_empty()
    {
        Shell.Run(world.Storage, "sqlite3 big.db \"CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); CREATE TABLE z(a); INSERT INTO z VALUES (1); INSERT INTO t VALUES(1,'a'),(2,zeroblob(150000000)),(3,zeroblob(20000000)),(4,'d')\"");
        Shell.Run(world.Storage, "python3 -c \"d=open('big.db','r+b'); d.seek(2*4096); d.write(bytes(4096))\"");

        var result = await SalvageAsync("big.db");

        Assert.Equal("row by row", result.Salvaged.Method);
        Assert.Equal("1|1\n3|20000000\n4|1\n", Shell.Run($"{result.Folder}/files", "sqlite3 big.db 'SELECT id, length(v) FROM t'"));
        Assert.Contains(result.Salvaged.NotReadable, finding => finding.Message.Contains("at rowid 2: its 150000000 bytes need more than", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("litedb/k-corrupt-page")]
    [InlineData("litedb/k-truncated")]
    [InlineData("litedb/a-clean; dd if=/dev/zero of=data.db bs=8192 seek=9 count=2 conv=notrunc status=none")]
    [InlineData("litedb/a-clean; dd if=/dev/urandom of=data.db bs=8192 seek=20 count=3 conv=notrunc status=none")]
    public async Task Every_whole_document_of_a_damaged_litedb_file_comes_out(string damaged)
    {
        world.AddDatabase("litedb/a-clean", "healthy");
        world.AddDatabase(damaged.Split(';')[0], "lite");
        Shell.Run($"{world.Storage}/lite", damaged.Contains(';', StringComparison.Ordinal) ? damaged[(damaged.IndexOf(';', StringComparison.Ordinal) + 1)..] : "true");
        var all = await SalvageAsync("healthy/data.db");
        Assert.Empty(all.Salvaged.NotReadable);
        var verdict = await world.Get<IReadOnlyList<BackupApi.Engines.IEngine>>().First(e => e.Kind == "litedb").VerifyAsync(new Source("healthy/data.db", "litedb", ["healthy/data.db"]) { Variant = "v5" }, world.Storage, CancellationToken.None);
        Assert.Equal(verdict.Counts.Where(count => !count.Key.Contains('.', StringComparison.Ordinal)), all.Salvaged.Counts);

        var result = await SalvageAsync("lite/data.db");

        Assert.NotEmpty(result.Damage);
        var (healthy, salvaged) = (Lines(all), Lines(result));
        Assert.True(salvaged.Count == healthy.Count || result.Salvaged.NotReadable.Count > 0, "Documents are missing and nothing was said of it.");
        Assert.Empty(salvaged.Except(healthy, StringComparer.Ordinal));

        // One of the files is cut to less than half.
        Assert.InRange(salvaged.Count, healthy.Count / 5, healthy.Count);
        Assert.All(salvaged, line => JsonDocument.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]).Dispose());
    }

    [Theory]
    [InlineData("leveldb/f-corrupt-block")]
    [InlineData("leveldb/h-missing-table")]
    [InlineData("leveldb/g-log-corrupt-middle")]
    [InlineData("leveldb/h-manifest-torn")]
    public async Task Every_key_of_a_damaged_leveldb_folder_whose_block_stands_comes_out(string damaged)
    {
        world.AddDatabase(damaged, "level");
        var before = TreeImage.Of(world.Storage);

        var result = await SalvageAsync("level/db");

        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Equal(["files/keys.jsonl"], result.Salvaged.Files);
        Assert.NotEmpty(result.Salvaged.NotReadable);
        var salvaged = Lines(result);
        Assert.True(salvaged.Count > 0 || damaged == "leveldb/h-missing-table");
        Assert.Equal(salvaged.Count, result.Salvaged.Counts.Values.Sum());
    }

    [Theory]
    [InlineData("leveldb/n-clean")]
    [InlineData("leveldb/c-multi-level-small")]
    [InlineData("leveldb/b-log-uncompacted")]
    public async Task A_healthy_leveldb_folder_comes_out_whole_as_the_real_library_reads_it(string fixture)
    {
        world.AddDatabase(fixture, "level");

        var result = await SalvageAsync("level/db");

        Assert.Empty(result.Salvaged.NotReadable);
        Assert.Equal(RealKeys($"{world.Storage}/level/db"), KeysAndValues(result));
    }

    [Fact]
    public async Task A_block_that_does_not_stand_costs_its_own_keys_and_no_other()
    {
        world.AddDatabase("leveldb/c-multi-level-small", "level");
        var healthy = RealKeys($"{world.Storage}/level/db");
        Shell.Run($"{world.Storage}/level/db", "f=$(ls | grep -E 'ldb|sst' | sed -n 1p); printf X | dd of=$f bs=1 seek=200 conv=notrunc status=none");

        var result = await SalvageAsync("level/db");

        Assert.Single(result.Salvaged.NotReadable);
        var salvaged = KeysAndValues(result);
        Assert.Empty(salvaged.Select(line => line.Split('\t')[0]).Except(healthy.Select(line => line.Split('\t')[0]), StringComparer.Ordinal));
        Assert.InRange(salvaged.Count, healthy.Count / 2, healthy.Count - 1);
    }

    [Fact]
    public async Task A_leveldb_folder_of_thousands_of_tables_without_its_manifest_is_read_a_few_at_a_time()
    {
        const int tables = 2500, keys = 500;
        var folder = $"{world.Storage}/level";
        var builder = new LevelDbBuilder(folder);
        for (var table = 1; table <= tables; table++)
        {
            // All overlap; the newest version of each key lies in one of the last tables, of every fifth it is a deletion.
            var key = table % keys;
            builder.Table(0, (ulong)table, [[new Entry($"key{key:D4}", (ulong)table, key % 5 == 0 && table > tables - keys ? null : $"value {table}"), new Entry("z", (ulong)table, $"value {table}")]]);
        }

        builder.Finish();
        foreach (var manifest in Directory.GetFiles(folder, "MANIFEST-*"))
        {
            File.WriteAllText(manifest, "gone");
        }

        using var done = new CancellationTokenSource();
        var watching = Task.Run(() => MostTablesOpen(done.Token));
        var result = await SalvageAsync("level");
        await done.CancelAsync();

        Assert.InRange(await watching, 1, 40);
        var expected = Enumerable.Range(0, keys).Where(key => key % 5 != 0).Select(key => (Key: $"key{key:D4}", Value: $"value {tables - keys + key}")).Append(("z", $"value {tables}"))
            .Select(entry => $"{Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(entry.Item1))}\t{Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(entry.Item2))}").Order(StringComparer.Ordinal);
        Assert.Equal(expected, KeysAndValues(result).Order(StringComparer.Ordinal));
        Assert.Equal(["keys.jsonl"], Posix.ListNames($"{result.Folder}/files"));
    }

    [Fact]
    public async Task A_database_that_is_no_longer_recognised_is_known_from_the_newest_backup_which_the_answer_names()
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        var backup = await world.BackUpAsync();
        Shell.Run(world.Storage, "dd if=/dev/zero of=sql/data.db bs=4096 count=1 conv=notrunc status=none");

        var result = await SalvageAsync("sql/data.db");

        Assert.Equal(backup.Name, result.ProvenIn);
        Assert.Equal(backup.Sources.First(source => source.Name == "sql/data.db").Counts, result.CountsThere);
        Assert.NotEmpty(result.Salvaged.NotReadable);
        Assert.True(File.Exists($"{result.Folder}/report.json"));
        Assert.DoesNotContain(Posix.ListNames($"{result.Folder}/files"), name => name.StartsWith(".salvage", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_no_database_is_not_salvaged_and_two_salvages_never_share_a_folder()
    {
        world.AddDatabase("sqlite/e-index-row-missing", "sql");
        File.WriteAllText($"{world.Storage}/notes.txt", "notes");

        Assert.Equal(Fault.NotFound, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("notes.txt"))).Fault);
        Assert.Equal(Fault.NotFound, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("../outside.db"))).Fault);
        Assert.NotEqual((await SalvageAsync("sql/data.db")).Folder, (await SalvageAsync("sql/data.db")).Folder);
    }

    private async Task<SalvageResult> SalvageAsync(string name, string? engine = null)
    {
        using var stop = new CancellationTokenSource();
        return await world.Get<SalvageDatabase>().RunAsync(name, engine, new OperationContext($"20261120T120000Z-{Guid.NewGuid():N}", OperationKind.Salvage, Trigger.Manual, stop));
    }

    /// <summary>The largest number of tables that this process was seen to have open at one time.</summary>
    private static int MostTablesOpen(CancellationToken done)
    {
        var most = 0;
        while (!done.IsCancellationRequested)
        {
            most = Math.Max(most, Directory.GetFiles("/proc/self/fd").Count(link => new FileInfo(link).LinkTarget is { } target && target.EndsWith(".ldb", StringComparison.Ordinal) && target.Contains(".staging", StringComparison.Ordinal)));
        }

        return most;
    }

    private static List<string> RowsOf(string database) => [.. Shell.Run(Path.GetDirectoryName(database)!, $"sqlite3 -readonly {Path.GetFileName(database)} '{Rows.Replace("'", "'\\''", StringComparison.Ordinal)}' || true").Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Every line of the result, behind the name of its file.</summary>
    private static List<string> Lines(SalvageResult result) => [.. result.Salvaged.Files.SelectMany(file => File.ReadLines($"{result.Folder}/{file}").Select(line => $"{file} {line}"))];

    private static List<string> KeysAndValues(SalvageResult result) =>
        [.. File.ReadLines($"{result.Folder}/files/keys.jsonl").Select(line =>
        {
            using var entry = JsonDocument.Parse(line);
            return $"{Hex(entry.RootElement, "key")}\t{Hex(entry.RootElement, "value")}";
        })];

    private static string Hex(JsonElement entry, string name) =>
        Convert.ToHexString(entry.TryGetProperty(name, out var text) ? System.Text.Encoding.UTF8.GetBytes(text.GetString()!) : entry.GetProperty(name + "Base64").GetBytesFromBase64());

    private static List<string> RealKeys(string folder) => RealLevelDb.Dump(folder);
}
