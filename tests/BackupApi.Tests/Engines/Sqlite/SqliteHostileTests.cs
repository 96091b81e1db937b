using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>Bytes that were made to hurt: each yields a verdict, in bounded time and memory.</summary>
public sealed class SqliteHostileTests(ITestOutputHelper output) : IDisposable
{
    private readonly SqliteStorage storage = new();

    public void Dispose() => storage.Dispose();

    /// <summary>Such a file overflows the stack of integrity_check and takes the process with it.</summary>
    [Fact]
    public async Task A_tree_as_deep_as_the_file_has_pages_is_damage()
    {
        const int PageSize = 512, Pages = 200_000;
        storage.Sql(storage["app.db"], $"PRAGMA page_size={PageSize}; CREATE TABLE t(a)");
        using (var file = Posix.Open(storage["app.db"], OpenFlags.ReadWrite))
        {
            var pages = new byte[(Pages - 1) * PageSize];
            for (var number = 2; number <= Pages; number++)
            {
                var page = pages.AsSpan((number - 2) * PageSize, PageSize);
                page[0] = number == Pages ? (byte)13 : (byte)5;
                BinaryPrimitives.WriteUInt16BigEndian(page[5..], PageSize);
                BinaryPrimitives.WriteInt32BigEndian(page[8..], number == Pages ? 0 : number + 1);
            }

            RandomAccess.Write(file, pages, PageSize);
            var count = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(count, Pages);
            RandomAccess.Write(file, count, 28);
        }

        var verdict = await VerifyAsync();
        Assert.Contains("levels deep", Assert.Single(verdict.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_with_two_parents_is_damage()
    {
        storage.Sql(storage["app.db"], "PRAGMA page_size=512; CREATE TABLE t(a); INSERT INTO t SELECT randomblob(100) FROM generate_series(1,100);");
        var bytes = await File.ReadAllBytesAsync(storage["app.db"]);
        var root = 512; // page 2: an inner page of t
        Assert.Equal(5, bytes[root]);
        var (first, second) = (BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(root + 12)), BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(root + 14)));
        bytes.AsSpan(root + first, 4).CopyTo(bytes.AsSpan(root + second));
        await File.WriteAllBytesAsync(storage["app.db"], bytes);
        Assert.Contains("two parents", (await VerifyAsync()).Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_cut_off_by_its_time_limit_is_inconclusive_and_never_damage()
    {
        const int Wanted = 8;
        storage.Sql(storage["app.db"], "PRAGMA page_size=512; PRAGMA synchronous=OFF; CREATE TABLE t(a, b); CREATE INDEX i ON t(b); INSERT INTO t SELECT zeroblob(150), value * 7919 % 100003 FROM generate_series(1,100000);");
        var source = storage.Recognise().Single();
        var whole = Stopwatch.StartNew();
        var proven = await VerifyAsync();
        whole.Stop();
        Assert.True(proven.IsProven);

        // Shorter and shorter, until enough were cut off: how long a check takes, and when a timer fires, depends on what else the machine does.
        var (inconclusive, checks) = (0, 0);
        for (var limit = whole.Elapsed; inconclusive < Wanted; limit *= 0.8)
        {
            checks++;
            var engine = new SqliteEngine(TimeProvider.System, new SqliteSettings { VerifyTimeLimit = limit });
            var verdict = await engine.VerifyAsync(source, storage.Root, CancellationToken.None);

            // A check that was stopped half-way calls pages it did not reach "never used".
            Assert.Empty(verdict.Errors);
            if (verdict.IsProven)
            {
                Assert.Equal(proven.Counts, verdict.Counts);
                continue;
            }

            inconclusive++;
            Assert.Equal((VerificationLevel.Archive, VerificationLevel.Engine), (verdict.Level, verdict.BestLevel));
            Assert.Contains("took longer", verdict.Reason, StringComparison.Ordinal);
        }

        output.WriteLine($"{inconclusive} of {checks} were cut off, the whole check took {whole.Elapsed.TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task A_verification_can_be_cancelled_in_the_middle()
    {
        storage.Sql(storage["app.db"], "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t SELECT randomblob(20) FROM generate_series(1,200000);");
        var source = storage.Recognise().Single();

        // A thread of its own: a timer waits for one of the pool, which may come when the check has ended.
        using var cancel = new CancellationTokenSource();
        using var never = new ManualResetEventSlim();
        var canceller = new Thread(() =>
        {
            never.Wait(20);
            cancel.Cancel();
        });
        canceller.Start();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => storage.Engine.VerifyAsync(source, storage.Root, cancel.Token));
        canceller.Join();
    }

    [Fact]
    public Task Twenty_thousand_mutations_each_yield_a_verdict() => FuzzAsync(cases: 20_000, firstSeed: 1);

    [Fact]
    [Trait("Category", "Long")]
    public Task A_hundred_thousand_mutations_each_yield_a_verdict() => FuzzAsync(cases: 100_000, firstSeed: 1_000_000);

    private async Task FuzzAsync(int cases, int firstSeed)
    {
        storage.Sql(storage["app.db"], "PRAGMA page_size=512; PRAGMA auto_vacuum=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b CHECK (length(b) > 0)); CREATE INDEX i ON t(b, lower(a)) WHERE id > 3; "
            + "CREATE TABLE w(k TEXT PRIMARY KEY, v REFERENCES t(a)) WITHOUT ROWID; CREATE VIEW v AS SELECT * FROM t; CREATE TABLE g(a, b AS (a || 'x') STORED); "
            + "INSERT INTO t SELECT value, 'row ' || value, printf('%.*c', value % 60 + 1, 'b') FROM generate_series(1,40); INSERT INTO w SELECT a, a FROM t; INSERT INTO g(a) VALUES(zeroblob(2000)); DELETE FROM t WHERE id % 5 = 0 AND a NOT IN (SELECT v FROM w);");
        var original = await File.ReadAllBytesAsync(storage["app.db"]);
        var source = storage.Recognise().Single();
        var (damaged, proven, slowest) = (0, 0, TimeSpan.Zero);
        for (var seed = firstSeed; seed < firstSeed + cases; seed++)
        {
            var random = new Random(seed);
            var bytes = Mutate(original, random);
            Overwrite(storage["app.db"], bytes);
            if (random.Next(20) == 0)
            {
                var side = new byte[random.Next(1, 3000)];
                random.NextBytes(side);
                byte[] magic = [0x37, 0x7F, 0x06, 0x82, 0, 0x2D, 0xE2, 0x18, 0, 0, 2, 0];
                magic.AsSpan(0, Math.Min(magic.Length, side.Length)).CopyTo(side);
                await File.WriteAllBytesAsync(storage["app.db-wal"], side);
            }
            else
            {
                File.Delete(storage["app.db-wal"]);
            }

            var watch = Stopwatch.StartNew();
            try
            {
                var verdict = await storage.Engine.VerifyAsync(source, storage.Root, CancellationToken.None);
                damaged += verdict.IsDamaged ? 1 : 0;
                proven += verdict.IsProven ? 1 : 0;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }

            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seeds {firstSeed} to {firstSeed + cases - 1}: {damaged} damaged, {proven} proven, slowest {slowest.TotalMilliseconds:0} ms"));
        Assert.True(damaged > cases / 2, "most mutations must be seen");
        Assert.True(slowest < TimeSpan.FromSeconds(10), $"{slowest}");
    }

    /// <summary>In place: truncating and writing anew makes ext4 flush each time.</summary>
    private static void Overwrite(string path, byte[] bytes)
    {
        using var file = Posix.Open(path, OpenFlags.ReadWrite);
        RandomAccess.Write(file, bytes, 0);
        if (RandomAccess.GetLength(file) != bytes.Length)
        {
            RandomAccess.SetLength(file, bytes.Length);
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = original.ToArray();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var pages = Math.Max(1, bytes.Length / 512);
            var page = random.Next(pages) * 512;
            switch (random.Next(7))
            {
                case 0: // one byte anywhere
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                    break;
                case 1: // one byte of a page's header and cell pointers
                    bytes[Math.Min(bytes.Length - 1, page + random.Next(40))] = (byte)random.Next(256);
                    break;
                case 2: // one byte of the database header
                    bytes[Math.Min(bytes.Length - 1, random.Next(16, 100))] = (byte)random.Next(256);
                    break;
                case 3: // a page over another
                    bytes.AsSpan(page, Math.Min(512, bytes.Length - page)).ToArray().CopyTo(bytes, Math.Min(random.Next(pages) * 512, bytes.Length - Math.Min(512, bytes.Length - page)));
                    break;
                case 4: // noise over a stretch
                    random.NextBytes(bytes.AsSpan(page, Math.Min(random.Next(1, 200), bytes.Length - page)));
                    break;
                case 5 when random.Next(5) == 0 && bytes.Length > 600: // cut
                    bytes = bytes[..random.Next(1, bytes.Length)];
                    break;
                default: // an extreme number
                    var at = random.Next(Math.Max(1, bytes.Length - 4));
                    bytes.AsSpan(at, Math.Min(4, bytes.Length - at)).Fill(random.Next(2) == 0 ? (byte)0xFF : (byte)0);
                    break;
            }
        }

        return bytes;
    }

    private Task<Verdict> VerifyAsync() => storage.Engine.VerifyAsync(storage.Recognise().Single(), storage.Root, CancellationToken.None);
}
