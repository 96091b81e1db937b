using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Salvage of a SQLite database row by row, where its rows are out of order, odd, or in a log beside it.</summary>
public sealed class SalvageRowsTests : IDisposable
{
    private const string Numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{0})";

    /// <summary>The rowid of row 130 in two bytes, 0x81 0x02, behind the two that tell the record's length and before the record's header.</summary>
    private const string Altered = """
        python3 - <<'END'
        d = bytearray(open('big.db', 'rb').read())
        at = d.find(b'row-130-') - 5
        while not (d[at] == 0x81 and d[at + 1] == 0x02): at -= 1
        d[at:at + 2] = bytes({0})
        open('big.db', 'wb').write(d)
        END
        """;

    private readonly RestoreWorld world = new();

    public void Dispose() => world.Dispose();

    [Theory]
    [InlineData("[0xC1, 0x02]", 20_000, 19_999, "8322")]
    [InlineData("[0xC1, 0x02]", 5_000, 5_000, "8322")]
    [InlineData("[0x80, 0x02]", 5_000, 4_999, "2")]
    public async Task A_row_whose_rowid_is_altered_costs_no_other(string bytes, int rows, int most, string told)
    {
        Sqlite(string.Format(System.Globalization.CultureInfo.InvariantCulture, $"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); {Numbers} INSERT INTO t SELECT i, 'row-' || i || '-' || hex(randomblob(20)) FROM n", rows));
        Shell.Run(world.Storage, Altered.Replace("{0}", bytes, StringComparison.Ordinal));

        var result = await SalvageAsync("big.db");

        Assert.Equal("row by row", result.Salvaged.Method);
        Assert.Equal(most, result.Salvaged.Counts["t"]);
        Assert.Equal("ok\n", Salvaged(result, "PRAGMA integrity_check"));
        Assert.Equal($"{most}\n", Salvaged(result, $"SELECT count(*) FROM t WHERE v LIKE 'row-' || id || '-%' OR id = {told}"));
        Assert.NotEmpty(result.Salvaged.NotReadable);
    }

    [Fact]
    public async Task Nor_does_one_that_stands_before_a_page_that_does_not()
    {
        Sqlite(string.Format(System.Globalization.CultureInfo.InvariantCulture, $"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); {Numbers} INSERT INTO t SELECT i, 'row-' || i || '-' || hex(randomblob(20)) FROM n", 20_000));

        // The last row of the third leaf; the fourth leaf is gone.
        var ends = Shell.Run(world.Storage, """
            python3 - <<'END'
            d = bytearray(open('big.db', 'rb').read())
            u16 = lambda at: int.from_bytes(d[at:at + 2], 'big')
            cell = lambda i: 4096 + u16(4096 + 12 + 2 * i)
            child = lambda i: (int.from_bytes(d[cell(i):cell(i) + 4], 'big') - 1) * 4096
            end = lambda i: (d[cell(i) + 4] & 127) << 7 | d[cell(i) + 5]
            leaf = child(2)
            row = leaf + u16(leaf + 8 + 2 * (u16(leaf + 3) - 1))
            assert d[row + 1] == 0x81
            d[row + 1] = 0xC1
            d[child(3):child(3) + 4096] = bytes(4096)
            print(end(2), end(3))
            open('big.db', 'wb').write(d)
            END
            """).Trim().Split(' ').Select(int.Parse).ToArray();

        var result = await SalvageAsync("big.db");

        Assert.Equal(20_000 - (ends[1] - ends[0]) - 1, result.Salvaged.Counts["t"]);
        Assert.Contains(result.Salvaged.NotReadable, finding => finding.Message.Contains($"from rowid {ends[0]} to rowid {ends[1]}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_index_that_cannot_be_made_costs_no_row()
    {
        Sqlite("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE z(a); CREATE INDEX u ON t(v); INSERT INTO t(v) VALUES('once'),('twice'),('twice'); PRAGMA writable_schema=ON; UPDATE sqlite_master SET sql='CREATE UNIQUE INDEX u ON t(v)' WHERE name='u'");
        Shell.Run(world.Storage, "dd if=/dev/zero of=big.db bs=4096 seek=2 count=1 conv=notrunc status=none");

        var result = await SalvageAsync("big.db");

        Assert.Equal("row by row", result.Salvaged.Method);
        Assert.Equal(3, result.Salvaged.Counts["t"]);
        Assert.Contains(result.Salvaged.NotReadable, finding => finding.Where == "big.db index u");
        Assert.Equal("ok\n3\n", Salvaged(result, "PRAGMA integrity_check; SELECT count(*) FROM t"));
        Assert.Equal(["big.db"], Directory.GetFiles($"{result.Folder}/files").Select(Path.GetFileName));
    }

    [Fact]
    public async Task Behind_pages_that_come_twice_the_next_row_is_sound_and_what_lay_between_is_told()
    {
        Sqlite(string.Format(System.Globalization.CultureInfo.InvariantCulture, $"CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); {Numbers} INSERT INTO t SELECT i, hex(randomblob(40)) FROM n", 4000));

        // The root's eleventh child is its tenth once more.
        var range = Shell.Run(world.Storage, """
            python3 - <<'END'
            import struct
            d = bytearray(open('big.db', 'rb').read())
            def varint(at):
                v = 0
                while True:
                    v = v << 7 | d[at] & 127
                    if d[at] < 128: return v
                    at += 1
            cell = lambda i: 4096 + struct.unpack('>H', d[4096 + 12 + 2 * i:4096 + 14 + 2 * i])[0]
            print(varint(cell(9) + 4) + 1, varint(cell(10) + 4))
            d[cell(10):cell(10) + 4] = d[cell(9):cell(9) + 4]
            open('big.db', 'wb').write(d)
            END
            """).Trim().Split(' ');
        var lost = int.Parse(range[1], System.Globalization.CultureInfo.InvariantCulture) - int.Parse(range[0], System.Globalization.CultureInfo.InvariantCulture) + 1;

        var result = await SalvageAsync("big.db");

        Assert.Equal(4000 - lost, result.Salvaged.Counts["t"]);
        Assert.Contains($"from rowid {range[0]} to rowid {range[1]}", Assert.Single(result.Salvaged.NotReadable).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UTF-8")]
    [InlineData("UTF-16le")]
    public async Task A_text_comes_out_to_its_last_byte_whatever_is_in_it(string encoding)
    {
        Sqlite($"PRAGMA encoding='{encoding}'; CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE z(a); INSERT INTO t VALUES(1, 'before' || char(0) || 'behind é'), (2, ''), (3, x''), (4, NULL), (5, char(0))");
        Shell.Run(world.Storage, "dd if=/dev/zero of=big.db bs=4096 seek=2 count=1 conv=notrunc status=none");
        const string all = "SELECT id, typeof(v), hex(v) FROM t";
        var before = Shell.Run(world.Storage, $"sqlite3 big.db '{all}'");

        var result = await SalvageAsync("big.db");

        Assert.Equal("row by row", result.Salvaged.Method);
        Assert.Equal(before, Salvaged(result, all));
    }

    [Fact]
    public async Task The_table_of_sequences_comes_along_and_is_not_counted()
    {
        Sqlite("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v); CREATE TABLE z(a); INSERT INTO t(v) VALUES(1),(2),(3),(4),(5)");
        Shell.Run(world.Storage, "dd if=/dev/zero of=big.db bs=4096 seek=3 count=1 conv=notrunc status=none");

        var result = await SalvageAsync("big.db");

        Assert.Equal("row by row", result.Salvaged.Method);
        Assert.Equal(5, result.Salvaged.Counts["t"]);
        Assert.DoesNotContain(result.Salvaged.Counts.Keys, name => name.StartsWith("sqlite_", StringComparison.Ordinal));
        Assert.Equal("t|5\n", Salvaged(result, "SELECT * FROM sqlite_sequence"));
    }

    [Fact]
    public async Task Rows_that_are_lost_alone_give_up_nothing_however_many_they_are()
    {
        // Each of the first rows has an overflow page; all of those go.
        Sqlite(string.Format(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA page_size=512; CREATE TABLE t(id INTEGER PRIMARY KEY, v); {Numbers} INSERT INTO t SELECT i, CASE WHEN i <= 10500 THEN zeroblob(600) ELSE i END FROM n", 11000));
        Shell.Run(world.Storage, """
            python3 - <<'END'
            d = bytearray(open('big.db', 'rb').read())
            def inner(page):
                b = (page - 1) * 512
                if d[b] == 13:
                    n = int.from_bytes(d[b + 3:b + 5], 'big')
                    for i in range(n):
                        at = b + int.from_bytes(d[b + 8 + 2 * i:b + 10 + 2 * i], 'big')
                        length, p = 0, at
                        while True:
                            length = length << 7 | d[p] & 127; p += 1
                            if d[p - 1] < 128: break
                        while d[p] >= 128: p += 1
                        p += 1
                        if length > 477:
                            m = 39
                            k = m + (length - m) % 508
                            p += k if k <= 477 else m
                            d[p:p + 4] = b'\x7f\xff\xff\xff'
                elif d[b] == 5:
                    n = int.from_bytes(d[b + 3:b + 5], 'big')
                    for i in range(n):
                        at = b + int.from_bytes(d[b + 12 + 2 * i:b + 14 + 2 * i], 'big')
                        inner(int.from_bytes(d[at:at + 4], 'big'))
                    inner(int.from_bytes(d[b + 8:b + 12], 'big'))
            inner(2)
            open('big.db', 'wb').write(d)
            END
            """);

        var result = await SalvageAsync("big.db");

        Assert.Equal("row by row", result.Salvaged.Method);
        Assert.Equal(500, result.Salvaged.Counts["t"]);
        Assert.Equal(Verdict.MaxFindings, result.Salvaged.NotReadable.Count);
        Assert.Equal("There are 10401 more findings of what was lost.", result.Salvaged.NotReadable[^1].Message);
    }

    [Theory]
    [InlineData("printf XYZ | dd of=big.db conv=notrunc status=none")]
    [InlineData("printf '\\011\\011' | dd of=big.db bs=1 seek=18 conv=notrunc status=none")]
    [InlineData("printf '\\377\\377' | dd of=big.db bs=1 seek=16 conv=notrunc status=none")]
    public async Task Committed_rows_in_a_log_beside_a_wrong_header_come_out(string harm)
    {
        MakeWithLog();
        Shell.Run(world.Storage, harm);

        var result = await SalvageAsync("big.db", "sqlite");

        Assert.Equal("30000\n", Salvaged(result, "SELECT count(*) FROM t WHERE v = 'new'"));
        Assert.Empty(result.Salvaged.NotReadable);
        Assert.DoesNotContain(result.Salvaged.Notes, note => note.Message.Contains("Nothing is wrong", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_log_that_cannot_be_applied_is_told_as_lost()
    {
        MakeWithLog();

        // A version of the log that no library knows, its sums made anew: byte 7 of the header.
        Shell.Run(world.Storage, """
            python3 - <<'END'
            import struct
            d = bytearray(open('big.db-wal', 'rb').read())
            d[4:8] = struct.pack('>I', 3007001)
            little = d[3] == 0x82
            a = b = 0
            for i in range(0, 24, 8):
                x, y = struct.unpack('<II' if little else '>II', d[i:i + 8])
                a = (a + x + b) & 0xffffffff
                b = (b + y + a) & 0xffffffff
            d[24:32] = struct.pack('>II', a, b)
            open('big.db-wal', 'wb').write(d)
            END
            """);

        var result = await SalvageAsync("big.db", "sqlite");

        Assert.Equal("30000\n", Salvaged(result, "SELECT count(*) FROM t"));
        Assert.Contains(result.Salvaged.NotReadable, finding => finding.Message.Contains("was left out", StringComparison.Ordinal));
    }

    /// <summary>30,000 rows, all changed by a commit that is in the log alone; the first page is not.</summary>
    private void MakeWithLog()
    {
        Sqlite(string.Format(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); {Numbers} INSERT INTO t SELECT i, 'old' FROM n", 30000));
        Shell.Run(world.Storage, """
            python3 - <<'END'
            import os, shutil, sqlite3
            c = sqlite3.connect('big.db')
            c.execute('PRAGMA wal_autocheckpoint=0')
            shutil.copy('big.db', 'base')
            c.execute("UPDATE t SET v = 'new'")
            c.commit()
            shutil.copy('big.db-wal', 'log')
            c.close()
            os.replace('base', 'big.db')
            os.replace('log', 'big.db-wal')
            END
            """);
    }

    private void Sqlite(string statements) => Shell.Run(world.Storage, $"sqlite3 big.db \"{statements}\"");

    private static string Salvaged(SalvageResult result, string statement) => Shell.Run($"{result.Folder}/files", $"sqlite3 big.db \"{statement}\"");

    private async Task<SalvageResult> SalvageAsync(string name, string? engine = null)
    {
        using var stop = new CancellationTokenSource();
        return await world.Get<SalvageDatabase>().RunAsync(name, engine, new OperationContext($"20261120T120000Z-{Guid.NewGuid():N}", OperationKind.Salvage, Trigger.Manual, stop));
    }
}
