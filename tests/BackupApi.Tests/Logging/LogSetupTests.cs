using System.Text.Json;
using BackupApi.Logging;
using BackupApi.Tests.Support;
using Microsoft.Extensions.Logging;
using Serilog.Core;
using Xunit;

namespace BackupApi.Tests.Logging;

public sealed class LogSetupTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Lines_of_many_threads_stand_in_one_order_in_every_place()
    {
        var memory = new LogMemory();
        using (var log = LogSetup.Create(LogLevel.Warning, asJson: true, folder["logs"], memory, new LoggingLevelSwitch()))
        {
            Parallel.For(0, 8, thread => Enumerable.Range(0, 100).ToList().ForEach(number => log.Warning("{Line}", (thread * 100) + number)));
        }

        var file = File.ReadLines(Assert.Single(Directory.GetFiles(folder["logs"]))).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("@m").GetString()!).ToList();
        var remembered = memory.Newest(LogLevel.Warning, LogMemory.Capacity).Select(line => line.Message).Reverse().ToList();
        Assert.Equal(800, file.Count);
        Assert.Equal(remembered, file);
    }
}
