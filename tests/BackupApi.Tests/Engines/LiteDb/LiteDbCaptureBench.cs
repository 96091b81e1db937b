using System.Diagnostics;
using System.Globalization;
using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Measures, asserts nothing; run by <c>bench/litedb-capture.sh</c> only, which sets what is read from the environment here.</summary>
public sealed class LiteDbCaptureBench(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder folder = new();

    private static string? Setting(string name) => Environment.GetEnvironmentVariable($"LITEDB_BENCH_{name}");

    [Fact]
    [Trait("Category", "Bench")]
    public async Task Capture()
    {
        if (Setting("MODE") is not { } mode)
        {
            return;
        }

        var megabytes = int.Parse(Setting("MB") ?? "200", CultureInfo.InvariantCulture);
        var rate = double.Parse(Setting("RATE") ?? "200", CultureInfo.InvariantCulture);
        var captures = int.Parse(Setting("CAPTURES") ?? "10", CultureInfo.InvariantCulture);
        var settings = new LiteDbSettings { AllowLease = Setting("LEASE") != "no", Patience = TimeSpan.FromSeconds(double.Parse(Setting("PATIENCE") ?? "60", CultureInfo.InvariantCulture)) };
        using var owner = new TinyOwner(Path.Combine(folder.Folder("storage"), "bank.db"), Enum.Parse<OwnerMode>(mode), megabytes * 125, 8000, 1000, rate > 0 ? rate : double.PositiveInfinity);
        owner.Start();
        var engine = new LiteDbEngine(settings, TimeProvider.System);
        var (accepted, tried, seconds, attempts, held) = (0, 0, new List<double>(), 0, TimeSpan.Zero);
        var (before, clock) = (owner.Committed, Stopwatch.StartNew());
        for (var i = 0; i < captures && (accepted > 0 || tried < 2); i++)
        {
            tried++;
            var tree = TreeWalker.Walk(folder["storage"]);
            var started = Stopwatch.GetTimestamp();
            try
            {
                var capture = await engine.CaptureAsync(Assert.Single(engine.Recognise(tree, _ => true)), tree, folder.Folder($"staged-{i}"), CancellationToken.None);
                accepted++;
                attempts += capture.Attempts;
                held = capture.OwnerHeld > held ? capture.OwnerHeld : held;
                seconds.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            }
            catch (BackupException e) when (e.Fault == Fault.SourceBusy)
            {
                // Counted by its absence.
            }

            TreeRemoval.Remove(folder[$"staged-{i}"]);
        }

        seconds.Sort();
        output.WriteLine($"| {mode} | {(settings.AllowLease ? "yes" : "no")} | {megabytes} | {(rate > 0 ? rate : "full speed")} | {(owner.Committed - before) / clock.Elapsed.TotalSeconds:0} | {accepted} of {tried} | {(double)attempts / Math.Max(1, accepted):0.0} "
            + $"| {(accepted > 0 ? seconds[accepted / 2] : 0):0.00} | {(accepted > 0 ? seconds[^1] : 0):0.00} | {held.TotalMilliseconds:0} | {owner.LongestOperation.TotalMilliseconds:0} |");
    }

    /// <summary>Leaves a database behind, for bench/database-memory.sh.</summary>
    [Fact]
    [Trait("Category", "Bench")]
    public void Make()
    {
        if (Setting("MAKE") is { } path)
        {
            Write(path, Setting("DOCUMENTS") ?? "400000");
        }
    }

    [Fact]
    [Trait("Category", "Bench")]
    public void Verification()
    {
        if (Setting("VERIFY_DOCUMENTS") is not { } count)
        {
            return;
        }

        var path = folder["x.db"];
        Write(path, count);
        GC.Collect();
        var (size, process) = (new FileInfo(path).Length, Process.GetCurrentProcess());
        for (var run = 0; run < 3; run++)
        {
            var (cpu, wall) = (process.TotalProcessorTime, Stopwatch.GetTimestamp());
            var verdict = new LiteDbVerifier("x.db", "x-log.db").Verify(path, null, null, CancellationToken.None);
            process.Refresh();
            var spent = process.TotalProcessorTime - cpu;
            output.WriteLine($"| verify{(Setting("SHUFFLED") is null ? "" : ", keys at random")} | {size >> 20} MB | {(size >> 20) / spent.TotalSeconds:0} MB for each second of CPU | {(size >> 20) / Stopwatch.GetElapsedTime(wall).TotalSeconds:0} MB/s by the wall clock | {verdict.Counts["documents"]} documents | damaged: {verdict.IsDamaged} | managed heap {GC.GetTotalMemory(true) >> 20} MB |");
        }
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Documents of about 400 bytes with two secondary indexes, inserted in ascending order; with SHUFFLED the second index is not.</summary>
    private static void Write(string path, string count)
    {
        var lite = new TinyLite();
        var documents = lite.AddCollection("documents", ("created", false), ("number", true));
        var isShuffled = Setting("SHUFFLED") is not null;
        var start = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        for (var i = 0; i < int.Parse(count, CultureInfo.InvariantCulture); i++)
        {
            var bson = new TinyBson().Int32("_id", i).Text("name", $"document {i}").Date("created", start.AddSeconds(i)).Int64("total", i * 7L).Text("body", new string('b', 300)).ToArray();
            lite.AddDocument(documents, TinyKey.Of(i), bson, [TinyKey.Of(start.AddSeconds(i))], [TinyKey.Of(isShuffled ? (uint)i * 2654435761L % (1L << 32) : i)]);
        }

        using var file = new FileStream(path, FileMode.CreateNew);
        for (uint page = 0; page <= lite.LastPage; page++)
        {
            file.Write(lite.Pages[page]);
        }
    }
}
