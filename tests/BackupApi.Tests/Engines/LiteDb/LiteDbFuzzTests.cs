using BackupApi.Engines.LiteDb;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Whatever the bytes are: a verdict, soon, with bounded memory.</summary>
public sealed class LiteDbFuzzTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder folder = new();

    [Theory]
    [InlineData("bytes", 8_000)]
    [InlineData("fields", 8_000)]
    [InlineData("pages", 6_000)]
    public void A_mutated_database_always_gets_a_verdict(string level, int cases)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"{level}: {cases} cases, seed {seed}");
        var random = new Random(seed);
        var (data, log) = Small();
        var (damaged, ok) = (0, 0);
        var (mutatedData, mutatedLog) = ((byte[])data.Clone(), (byte[])log.Clone());
        for (var i = 0; i < cases; i++)
        {
            data.CopyTo(mutatedData, 0);
            log.CopyTo(mutatedLog, 0);
            var target = random.Next(4) == 0 ? mutatedLog : mutatedData;
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                Mutate(level, target, random);
            }

            var verdict = Verify(mutatedData, mutatedLog, $"{level} seed {seed} case {i}");
            _ = verdict.IsDamaged ? damaged++ : ok++;
        }

        output.WriteLine($"{damaged} damaged, {ok} ok or of unknown version");
        Assert.True(damaged > cases / 50);
    }

    [Fact]
    public void A_database_cut_at_any_place_gets_a_verdict_and_only_whole_ones_are_ok()
    {
        var (data, log) = Small();
        for (var length = 0; length < data.Length; length += length % TinyLite.PageSize is > 200 and < 8000 ? 61 : 1)
        {
            // The last page is an empty one that only the list of empty pages leads to: losing it whole loses nothing.
            Assert.True(Verify(data[..length], [], $"data cut at {length}").IsDamaged || length == data.Length - TinyLite.PageSize, $"data cut at {length}");
        }

        for (var length = 0; length < log.Length; length += 127)
        {
            Assert.False(Verify(data, log[..length], $"log cut at {length}").IsDamaged, $"log cut at {length}");
        }
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Fourteen pages and a log of three transactions.</summary>
    private static (byte[] Data, byte[] Log) Small()
    {
        var lite = new TinyLite();
        var people = lite.AddCollection("people", ("email", true), ("tags", false));
        for (var i = 0; i < 30; i++)
        {
            lite.AddDocument(people, TinyKey.Of(i), new TinyBson().Int32("_id", i).Text("name", $"n{i}").ToArray(), [TinyKey.Of($"{99 - i}@x")], [.. Enumerable.Range(0, i % 3).Select(tag => TinyKey.Of((long)tag))]);
        }

        lite.AddDocument(people, TinyKey.Of(100), new TinyBson().Int32("_id", 100).Binary("b", new byte[20_000]).ToArray(), [TinyKey.Of("large")]);
        lite.Free(lite.NewPage(4, people.Page));
        var data = lite.ToFile();
        var log = new List<byte>();
        for (uint id = 1; id <= 3; id++)
        {
            lite.AddDocument(people, TinyKey.Of(200 + (int)id), new TinyBson().Int32("_id", 200 + (int)id).ToArray(), [TinyKey.Of($"z{id}")]);
            log.AddRange(lite.TakeTransaction(id).SelectMany(image => image));
        }

        return (data, [.. log]);
    }

    private static void Mutate(string level, byte[] target, Random random)
    {
        var page = random.Next(target.Length / TinyLite.PageSize) * TinyLite.PageSize;
        switch (level)
        {
            case "bytes":
                target[random.Next(target.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case "fields":
                // The common header, the header's or collection's fields, the slot directory; values that break arithmetic.
                var at = page + (random.Next(3) switch { 0 => random.Next(32), 1 => random.Next(32, 260), _ => TinyLite.PageSize - 1 - random.Next(64) });
                target[at] = random.Next(4) switch { 0 => 0, 1 => 255, 2 => 127, _ => (byte)random.Next(256) };
                break;
            default:
                var from = random.Next(target.Length / TinyLite.PageSize) * TinyLite.PageSize;
                switch (random.Next(4))
                {
                    case 0:
                        random.NextBytes(target.AsSpan(page, TinyLite.PageSize));
                        break;
                    case 1:
                        target.AsSpan(page, TinyLite.PageSize).Clear();
                        break;
                    case 2:
                        target.AsSpan(from, TinyLite.PageSize).CopyTo(target.AsSpan(page));
                        break;
                    default:
                        // The other page's content under this page's number.
                        target.AsSpan(from + 4, TinyLite.PageSize - 4).CopyTo(target.AsSpan(page + 4));
                        break;
                }

                break;
        }
    }

    private Verdict Verify(byte[] data, byte[] log, string what)
    {
        Write("x.db", data);
        Write("x-log.db", log);
        var before = GC.GetAllocatedBytesForCurrentThread();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            var verdict = new LiteDbVerifier("x.db", "x-log.db").Verify(folder["x.db"], folder["x-log.db"], null, limit.Token);
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 << 20, $"{what}: too much memory");
            return verdict;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"{what}: no verdict", e);
        }
    }

    private void Write(string name, byte[] content)
    {
        using var file = File.OpenHandle(folder[name], FileMode.OpenOrCreate, FileAccess.Write);
        RandomAccess.Write(file, content, 0);
        RandomAccess.SetLength(file, content.Length);
    }
}
