using System.Buffers.Binary;
using System.Diagnostics;
using BackupApi.Engines.LevelDb;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>Random damage to every kind of file: always a verdict, in time and in memory that is in proportion. FUZZ_SEED repeats a run.</summary>
public sealed class LevelDbFuzzTests(ITestOutputHelper output)
{
    private const int Cases = 30_000;
    private const int RealCases = 500;

    [Fact]
    public void Thirty_thousand_mutations_of_a_small_database_each_yield_a_verdict()
    {
        using var memory = new MemoryFolder();
        var told = Fuzz(BuildSmall(memory.Path), Cases);

        // Nearly every mutation breaks a checksum or a form; if few were noticed, the fuzz would not reach the verifier.
        Assert.InRange(told, Cases / 2, Cases);
    }

    [Theory]
    [InlineData("c-multi-level-small")]
    [InlineData("n-killed-with-log")]
    public void Mutations_of_real_databases_each_yield_a_verdict(string fixture)
    {
        using var memory = new MemoryFolder();
        Fixtures.CopyTo($"leveldb/{fixture}/db", memory.Path);

        Fuzz(memory.Path, RealCases);
    }

    [Fact]
    public async Task Mutated_databases_are_still_captured()
    {
        using var db = new LevelDbCase();
        BuildSmall(db.Db);
        var random = NewRandom();
        foreach (var path in Directory.GetFiles(db.Db).Where(path => FileName.Parse(Path.GetFileName(path)).IsContent))
        {
            var original = await File.ReadAllBytesAsync(path);
            for (var i = 0; i < 8; i++)
            {
                await File.WriteAllBytesAsync(path, Mutate(original, random, Path.GetFileName(path)));
                if (db.FindSource() is { } source)
                {
                    var into = db.NewFolder();
                    var capture = await db.Engine.CaptureAsync(source, db.Walk(), into, CancellationToken.None);
                    Assert.NotEmpty(capture.Files);
                    await db.Engine.VerifyAsync(source, into, CancellationToken.None);
                }
            }

            await File.WriteAllBytesAsync(path, original);
        }
    }

    /// <summary>Gives the number of cases in which something was said.</summary>
    private int Fuzz(string folder, int cases)
    {
        const long MaxAllocated = 48 << 20;
        var random = NewRandom();
        var files = Directory.GetFiles(folder).Where(path => FileName.Parse(Path.GetFileName(path)).IsContent).Order(StringComparer.Ordinal).Select(path => (Path: path, Bytes: File.ReadAllBytes(path))).ToList();
        var (told, slowest, largest) = (0, TimeSpan.Zero, 0L);
        for (var i = 0; i < cases; i++)
        {
            var (path, original) = files[random.Next(files.Count)];
            File.WriteAllBytes(path, Mutate(original, random, Path.GetFileName(path)));
            var (started, allocated) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());

            var verdict = LevelDbVerifier.Verify(folder, "db/", CancellationToken.None);

            var (took, took2) = (Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - allocated);
            Assert.True(took.TotalSeconds < 10 && took2 < MaxAllocated, $"case {i}: {took.TotalSeconds:0.0} s, {took2} bytes");
            Assert.InRange(verdict.Errors.Count, 0, Verdict.MaxFindings);
            told += verdict.IsDamaged || verdict.Warnings.Count + verdict.Notes.Count > 0 ? 1 : 0;
            slowest = took > slowest ? took : slowest;
            largest = Math.Max(largest, took2);
            File.WriteAllBytes(path, original);
        }

        output.WriteLine($"cases {cases}, something said in {told}, slowest {slowest.TotalMilliseconds:0} ms, most allocated {largest / 1024} KiB");
        return told;
    }

    private Random NewRandom()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine($"FUZZ_SEED={seed}");
        return new Random(seed);
    }

    private static byte[] Mutate(byte[] original, Random random, string name)
    {
        var bytes = original.ToList();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            var length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(8))
            {
                case 0 or 1 or 2 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 3 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 4:
                    for (var i = at; i < at + length; i++)
                    {
                        bytes[i] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    }

                    break;
                case 5:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 20)).Select(_ => (byte)random.Next(256)));
                    break;
                case 6:
                    bytes.RemoveRange(at, length);
                    break;
                default:
                    bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : 0);
                    break;
            }
        }

        byte[] mutated = [.. bytes];
        if (random.Next(2) == 0)
        {
            Mend(mutated, name);
        }

        return mutated;
    }

    /// <summary>Puts right checksums over whatever the records and blocks now hold, so that the damage goes on behind them.</summary>
    private static void Mend(byte[] file, string name)
    {
        if (name.EndsWith(".ldb", StringComparison.Ordinal))
        {
            MendTable(file);
            return;
        }

        for (var at = 0; at + 7 <= file.Length;)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at + 4));
            if (at + 7 + length > file.Length)
            {
                return;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), LevelDbBuilder.Mask(LevelDbBuilder.Crc(file.AsSpan(at + 6, 1 + length))));
            at += 7 + length;
        }
    }

    /// <summary>Any place where a trailer could be gets one that fits the block from each of the likely beginnings: for small tables only.</summary>
    private static void MendTable(byte[] file)
    {
        if (file.Length is < 60 or > 4096)
        {
            return;
        }

        foreach (var (offset, size) in Handles(file))
        {
            if (offset >= 0 && size >= 0 && offset + size + 5 <= file.Length - 48)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(offset + size + 1), LevelDbBuilder.Mask(LevelDbBuilder.Crc(file.AsSpan(offset, size + 1))));
            }
        }
    }

    /// <summary>Handles in the footer, and everything in the index block that reads like one.</summary>
    private static IEnumerable<(int Offset, int Size)> Handles(byte[] file)
    {
        var at = file.Length - 48;
        var numbers = new List<int>();
        for (var i = 0; i < 4; i++)
        {
            numbers.Add(Varint(file, ref at));
        }

        yield return (numbers[0], numbers[1]);
        for (var i = Math.Max(0, numbers[2]); i + 2 < Math.Min(file.Length - 48, (long)numbers[2] + numbers[3]); i++)
        {
            var from = i;
            var (offset, size) = (Varint(file, ref from), Varint(file, ref from));
            if (size > 8)
            {
                yield return (offset, size);
            }
        }

        yield return (numbers[2], numbers[3]);
    }

    private static int Varint(byte[] file, ref int at)
    {
        long value = 0;
        for (var shift = 0; shift < 35 && at < file.Length; shift += 7)
        {
            var next = file[at++];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                break;
            }
        }

        return value > int.MaxValue / 4 ? -1 : (int)value;
    }

    /// <summary>Three levels, snappy and plain blocks, deletions, two logs with a record cut over blocks: a few KB.</summary>
    private static string BuildSmall(string folder)
    {
        static byte[] Compress(byte[] block) => IronSnappy.Snappy.Encode(block);
        static Entry[] Run(string prefix, int from, int count, ulong sequence) => [.. Enumerable.Range(from, count).Select(i => new Entry($"{prefix}/{i:D4}", sequence, i % 5 == 0 ? null : $"value {i}"))];

        var builder = new LevelDbBuilder(folder) { LogNumber = 10 };
        builder.Table(2, 3, [Run("a", 0, 12, 1), Run("a", 20, 12, 2), Run("b", 0, 6, 3)], type: 1, encode: Compress);
        builder.Table(2, 4, [Run("c", 0, 12, 4)]);
        builder.Table(1, 5, [Run("a", 5, 12, 5)]);
        builder.Table(0, 6, [Run("b", 3, 6, 6)], type: 1, encode: Compress);
        builder.Log(10, [.. Run("a", 0, 20, 7).Select((entry, i) => LevelDbBuilder.Batch(entry with { Sequence = 7 + (ulong)i }))]);
        builder.Log(11, LevelDbBuilder.Batch(Run("d", 0, 9, 100)), LevelDbBuilder.Batch(new Entry("e", 200)));
        builder.Finish();
        Assert.True(LevelDbVerifier.Verify(folder, "", CancellationToken.None) is { IsProven: true, Warnings.Count: 0 });
        return folder;
    }

    /// <summary>In memory where the system has such a place: a disk's journal would make most of the time of thousands of rewritten files.</summary>
    private sealed class MemoryFolder : IDisposable
    {
        private static int count;

        public MemoryFolder()
        {
            var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : AppContext.BaseDirectory;
            Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, $"leveldb-fuzz-{Environment.ProcessId}-{Interlocked.Increment(ref count)}")).FullName;
        }

        public string Path { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
