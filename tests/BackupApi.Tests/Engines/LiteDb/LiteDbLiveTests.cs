using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Captures while an owner writes: every accepted one is whole, keeps the invariant, and is neither older nor newer than the moment it was taken.</summary>
public sealed class LiteDbLiveTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder folder = new();

    [Fact]
    public Task Direct_owner_at_full_speed_every_capture_is_whole() => Run(OwnerMode.Direct, accounts: 500, padding: 8000, captures: 25, "compare and patch", checkpointPages: 2000);

    [Fact]
    public Task Shared_owner_at_full_speed_every_capture_is_whole() => Run(OwnerMode.Shared, accounts: 500, padding: 8000, captures: 25, "lease");

    [Fact]
    [Trait("Category", "Long")]
    public Task Direct_owner_of_200_MB_every_capture_is_whole() => Run(OwnerMode.Direct, accounts: 25_600, padding: 8000, captures: 100, "compare and patch", perSecond: 200);

    [Fact]
    [Trait("Category", "Long")]
    public Task Shared_owner_of_200_MB_every_capture_is_whole() => Run(OwnerMode.Shared, accounts: 25_600, padding: 8000, captures: 100, "lease");

    [Theory]
    [InlineData(OwnerMode.Direct)]
    [InlineData(OwnerMode.Shared)]
    internal async Task A_naive_copy_in_the_same_harness_is_torn_in_most_runs(OwnerMode mode)
    {
        using var owner = new TinyOwner(Path.Combine(folder.Folder("storage"), "bank.db"), mode, 6000, 8000, checkpointPages: 300);
        owner.Start();
        var torn = 0;
        for (var i = 0; i < 20; i++)
        {
            // cp data, then log: what a file-based backup does, with a file so large, or a disk so slow, that the owner checkpoints meanwhile.
            var (data, log) = (folder[$"naive-{i}.db"], folder[$"naive-{i}-log.db"]);
            await CopyAcrossACheckpointAsync(owner, data);
            Copy(owner.LogPath, log);
            torn += IsTorn(owner, data, File.Exists(log) ? log : null) ? 1 : 0;
            File.Delete(data);
        }

        output.WriteLine($"{mode}: {torn} of 20 naive copies are torn");
        Assert.True(torn > 10, $"only {torn} of 20 naive copies are torn: the harness proves nothing");
    }

    [Fact]
    public async Task An_owner_too_busy_is_reported_after_the_patience_with_a_hint()
    {
        using (var owner = new TinyOwner(Path.Combine(folder.Folder("storage"), "bank.db"), OwnerMode.Shared, 200, 8000))
        {
            owner.Start();
        }

        var settings = new LiteDbSettings { AllowLease = false, Patience = TimeSpan.FromSeconds(1) };
        var busy = await Assert.ThrowsAsync<BackupException>(() => Capture(new LiteDbEngine(settings, new WritingClock(folder["storage/bank.db"])), 0));

        Assert.Equal(Fault.SourceBusy, busy.Fault);
        Assert.Contains("direct mode", busy.Hint, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    private async Task Run(OwnerMode mode, int accounts, int padding, int captures, string method, int checkpointPages = 1000, double perSecond = double.PositiveInfinity)
    {
        using var owner = new TinyOwner(Path.Combine(folder.Folder("storage"), "bank.db"), mode, accounts, padding, checkpointPages, perSecond);
        owner.Start();
        var engine = new LiteDbEngine(new LiteDbSettings(), TimeProvider.System);
        var (accepted, overlapped, attempts, busy, held, methods) = (0, 0, 0, 0, TimeSpan.Zero, new SortedDictionary<string, int>(StringComparer.Ordinal));
        for (var i = 0; i < captures; i++)
        {
            var (earliest, marks) = (owner.Committed, owner.CheckpointMarks);
            Capture capture;
            try
            {
                capture = await Capture(engine, i);
            }
            catch (BackupException e) when (e.Fault == Fault.SourceBusy)
            {
                busy++;
                continue;
            }

            var latest = owner.Started;
            overlapped += owner.CheckpointMarks != marks || marks % 2 == 1 ? 1 : 0;
            accepted++;
            attempts += capture.Attempts;
            held = capture.OwnerHeld > held ? capture.OwnerHeld : held;
            methods[capture.Method] = methods.GetValueOrDefault(capture.Method) + 1;

            var staged = folder[$"staged-{i}"];
            var verdict = await engine.VerifyAsync(capture.Source, staged, CancellationToken.None);
            Assert.Empty(verdict.Errors);
            var last = owner.Audit(Path.Combine(staged, "bank.db"), capture.Files.Count > 1 ? Path.Combine(staged, "bank-log.db") : null);
            Assert.InRange(last, earliest, latest);
            Assert.Equal(last, verdict.Counts["ledger"]);
            TreeRemoval.Remove(staged);
        }

        output.WriteLine($"{mode}, {new FileInfo(owner.Path).Length >> 20} MB: {captures} captures, {accepted} accepted in {attempts} attempts, {busy} gave up, {overlapped} overlapped a checkpoint; "
            + $"{string.Join(", ", methods.Select(entry => $"{entry.Key} {entry.Value}"))}; owner held at most {held.TotalMilliseconds:0} ms, its longest operation {owner.LongestOperation.TotalMilliseconds:0} ms; {owner.Committed} transactions, {owner.CheckpointMarks / 2} checkpoints");
        Assert.True(accepted >= captures * 0.99, $"{busy} of {captures} captures gave up");
        Assert.True(overlapped > 0, "no capture overlapped a checkpoint: the test proves too little");
        Assert.True(methods.ContainsKey(method), "the wanted method was never used");
    }

    private async Task<Capture> Capture(LiteDbEngine engine, int number)
    {
        var tree = TreeWalker.Walk(folder["storage"]);
        var source = Assert.Single(engine.Recognise(tree, _ => true));
        return await engine.CaptureAsync(source, tree, folder.Folder($"staged-{number}"), CancellationToken.None);
    }

    private static bool IsTorn(TinyOwner owner, string data, string? log)
    {
        try
        {
            owner.Audit(data, log);
            return false;
        }
        catch (Exception e) when (e is InvalidDataException or IndexOutOfRangeException or ArgumentException)
        {
            return true;
        }
    }

    private static async Task CopyAcrossACheckpointAsync(TinyOwner owner, string to)
    {
        using var source = Posix.OpenRead(owner.Path);
        var half = new byte[RandomAccess.GetLength(source) / 2];
        RandomAccess.Read(source, half, 0);
        var marks = owner.CheckpointMarks;
        while (owner.CheckpointMarks < marks + 2)
        {
            await Task.Delay(1);
        }

        var rest = new byte[RandomAccess.GetLength(source) - half.Length];
        RandomAccess.Read(source, rest, half.Length);
        File.WriteAllBytes(to, [.. half, .. rest]);
    }

    private static void Copy(string from, string to)
    {
        try
        {
            using var source = new FileStream(Posix.OpenRead(from), FileAccess.Read, 0);
            using var target = new FileStream(to, FileMode.CreateNew);
            source.CopyTo(target);
        }
        catch (PosixException e) when (e.Errno == Errno.ENOENT)
        {
            // The log is gone between two operations.
        }
    }

    /// <summary>An owner that writes whenever a capture looks at the clock, so at least once between any two of its passes.</summary>
    private sealed class WritingClock(string path) : TimeProvider
    {
        private byte written;

        public override DateTimeOffset GetUtcNow()
        {
            Write();
            return base.GetUtcNow();
        }

        public override long GetTimestamp()
        {
            Write();
            return base.GetTimestamp();
        }

        private void Write()
        {
            using var file = Posix.Open(path, OpenFlags.WriteOnly);
            RandomAccess.Write(file, [++written], RandomAccess.GetLength(file) - 100);
        }
    }
}
