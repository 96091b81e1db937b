using System.Diagnostics;
using System.Globalization;
using BackupApi.Files;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>Figures, not verdicts: run by bench/sqlite-capture.sh, silent otherwise.</summary>
public sealed class SqliteBench(ITestOutputHelper output)
{
    private static readonly int MiB = int.Parse(Environment.GetEnvironmentVariable("BENCH_MIB") ?? "0", CultureInfo.InvariantCulture);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("wal", 500)]
    [InlineData("delete", 500)]
    [InlineData("delete", 0)]
    public async Task How_long_an_owner_waits_for_a_capture(string mode, int writesPerSecond)
    {
        if (MiB == 0)
        {
            return;
        }

        using var storage = new SqliteStorage();
        using var writer = await SqliteWriter.StartAsync(storage["app.db"], storage.Scratch("progress"), mode, fillerMiB: MiB, rate: Math.Max(1, writesPerSecond), checkpointPages: 1000, synchronous: "NORMAL");
        if (writesPerSecond == 0)
        {
            await writer.StopAsync();
            await Task.Delay(TimeSpan.FromSeconds(11));
        }

        await Task.Delay(TimeSpan.FromSeconds(2));
        writer.ResetLongestWait();
        await Task.Delay(TimeSpan.FromSeconds(8));
        Say($"{mode}, {writesPerSecond} writes/s, {new FileInfo(storage["app.db"]).Length >> 20} MiB: longest write in 8 s without us {writer.LongestWait.TotalMilliseconds:0} ms");
        for (var i = 0; i < 3; i++)
        {
            writer.ResetLongestWait();
            var before = writer.Committed;
            var watch = Stopwatch.StartNew();
            var (capture, folder) = await storage.CaptureAsync();
            var captured = watch.Elapsed;
            var (wait, writes) = (writer.LongestWait, writer.Committed - before);
            watch.Restart();
            var verdict = await storage.Engine.VerifyAsync(capture.Source, folder, CancellationToken.None);
            Say($"  capture {captured.TotalSeconds:0.00} s, {capture.Attempts} attempts, owner held {capture.OwnerHeld.TotalMilliseconds:0} ms, its longest write {wait.TotalMilliseconds:0} ms of {writes}; verified {verdict.IsProven} in {watch.Elapsed.TotalSeconds:0.0} s; process {Environment.WorkingSet >> 20} MiB");
            TreeRemoval.Remove(folder);
        }
    }

    private void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
