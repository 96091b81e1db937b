using System.Diagnostics;
using BackupApi.Engines.LevelDb;
using BackupApi.Model;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>A measurement, not a test: runs only when bench/leveldb-verify.sh names a database.</summary>
public sealed class LevelDbVerifySpeed(ITestOutputHelper output)
{
    [Fact]
    public async Task Megabytes_per_second_on_one_core()
    {
        if (Environment.GetEnvironmentVariable("LEVELDB_BENCH") is not { Length: > 0 } folder)
        {
            return;
        }

        var bytes = new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length);
        var source = new Source(".", "leveldb", []);
        for (var round = 1; round <= 3; round++)
        {
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            var started = Stopwatch.GetTimestamp();
            var verdict = await new LevelDbEngine(TimeProvider.System).VerifyAsync(source, folder, CancellationToken.None);
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var used = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
            output.WriteLine(
                $"round {round}: {bytes / 1e6:0} MB, {verdict.Counts.Values.Sum()} keys, damaged {verdict.IsDamaged}, {bytes / 1e6 / seconds:0} MB/s, " +
                $"{seconds:0.00} s elapsed, {used:0.00} s of processor, peak resident {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:0} MB");
        }
    }
}
