using System.Globalization;
using System.Text.Json;
using BackupApi.Logging;
using BackupApi.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BackupApi.Tests.Logging;

public sealed class LogSetupTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Files_are_turned_over_by_size_and_only_the_newest_70_MB_of_a_week_are_kept()
    {
        const int Line = 200 << 10;
        string Of(int daysAgo) => folder.File($"logs/backupapi-{TimeProvider.System.GetLocalNow().AddDays(-daysAgo).ToString("yyyyMMdd", CultureInfo.InvariantCulture)}.log", "x"u8);
        var (old, young) = (Of(9), Of(5));
        using (new Silence())
        using (var log = LogSetup.Create(asJson: true, folder["logs"], new LogMemory(), new LogLevels(LogLevel.Information)))
        {
            log.Information("one");
            Assert.False(File.Exists(old));
            Assert.True(File.Exists(young));

            // A line holds its text twice: as it reads, and as a value.
            var text = new string('x', Line / 2);
            for (var bytes = 0L; bytes < 85 << 20; bytes += Line)
            {
                log.Warning("{Text}", text);
            }
        }

        var files = Directory.GetFiles(folder["logs"]).Select(file => new FileInfo(file).Length).ToList();
        Assert.Equal(7, files.Count);
        Assert.All(files, length => Assert.InRange(length, 1, (10 << 20) + (Line * 2)));
        Assert.InRange(files.Sum(), 60L << 20, (70L << 20) + (14 * Line));
    }

    [Fact]
    public void The_level_holds_for_our_lines_and_for_those_of_libraries_and_can_be_changed()
    {
        var (memory, levels) = (new LogMemory(), new LogLevels(LogLevel.Information));
        using var silence = new Silence();
        using var log = LogSetup.Create(asJson: true, null, memory, levels);
        var (ours, theirs) = (log.ForContext("SourceContext", "BackupApi.X"), log.ForContext("SourceContext", "Microsoft.X"));
        string[] Heard()
        {
            var before = memory.Newest(LogLevel.Trace, LogMemory.Capacity).Count;
            ours.Verbose("trace");
            ours.Debug("debug");
            ours.Information("information");
            theirs.Debug("their debug");
            theirs.Warning("their warning");
            return [.. memory.Newest(LogLevel.Trace, LogMemory.Capacity).Select(l => l.Message).Reverse().Skip(before)];
        }

        Assert.Equal(["information", "their warning"], Heard());
        levels.Set(LogLevel.Debug);
        Assert.Equal(["debug", "information", "their warning"], Heard());
        levels.Set(LogLevel.Trace);
        Assert.Equal(["trace", "debug", "information", "their debug", "their warning"], Heard());
        levels.Set(LogLevel.Critical);
        Assert.Empty(Heard());
        Assert.Equal(LogLevel.Critical, levels.Current);
    }

    [Fact]
    public void Lines_of_many_threads_stand_in_one_order_in_every_place()
    {
        var memory = new LogMemory();
        using (var log = LogSetup.Create(asJson: true, folder["logs"], memory, new LogLevels(LogLevel.Warning)))
        {
            Parallel.For(0, 8, thread => Enumerable.Range(0, 100).ToList().ForEach(number => log.Warning("{Line}", (thread * 100) + number)));
        }

        var file = File.ReadLines(Assert.Single(Directory.GetFiles(folder["logs"]))).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("@m").GetString()!).ToList();
        var remembered = memory.Newest(LogLevel.Warning, LogMemory.Capacity).Select(line => line.Message).Reverse().ToList();
        Assert.Equal(800, file.Count);
        Assert.Equal(remembered, file);
    }

    /// <summary>Keeps the lines off the console of the test run.</summary>
    private sealed class Silence : IDisposable
    {
        private readonly TextWriter console = Console.Out;

        public Silence() => Console.SetOut(TextWriter.Null);

        public void Dispose() => Console.SetOut(console);
    }
}
