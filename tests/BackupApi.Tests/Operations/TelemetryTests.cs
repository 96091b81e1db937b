using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>What the real service sends to a real listener that speaks OTLP.</summary>
public sealed class TelemetryTests
{
    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 1500 && !condition(); i++)
        {
            await Task.Delay(20);
        }

        Assert.True(condition());
    }

    private static RunningService Sending(OtlpCollector collector, params (string Name, string? Value)[] more) => new(
        static folder => folder.File("storage/a.txt", "hello"u8),
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address.AbsoluteUri), ("OTEL_METRIC_EXPORT_INTERVAL", "200"), ("OTEL_BSP_SCHEDULE_DELAY", "100"), .. more,
        ]);

    [Fact]
    public async Task An_operation_arrives_as_a_trace_with_its_phases_and_in_the_figures()
    {
        await using var collector = await OtlpCollector.StartAsync();
        var service = Sending(collector, ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=secret"));
        await service.InitializeAsync();
        try
        {
            var name = await service.TakeBackupAsync();
            var (_, missing) = await service.PostAsync("/api/databases/verify?name=none");
            Assert.Equal("notFound", missing.GetProperty("fault").GetString());

            await UntilAsync(() => collector.Spans.Any(s => s.Text(5) == "verifyDatabases") && collector.Measures.Any(m => m.Text(1) == "backupapi.operation.duration" && m.Messages(9, 1).Any(p => p.Attributes(9)["kind"] == "verifyDatabases")));

            var backup = collector.Spans.Single(s => s.Text(5) == "backup");
            Assert.Empty(backup.Bytes(4));
            var facts = backup.Attributes(9);
            Assert.Equal((name, "manual", "ok"), (facts["backupapi.backup.name"], facts["backupapi.operation.trigger"], facts["backupapi.operation.outcome"]));
            Assert.Equal("5", facts["backupapi.backup.read"]);
            Assert.True(backup.Number(8) >= backup.Number(7) && backup.Number(7) > 0);
            var phases = collector.Spans.Where(s => s.Bytes(4).AsSpan().SequenceEqual(backup.Bytes(2))).ToList();
            Assert.Equal(["walk", "capture", "verify", "write", "read back"], phases.OrderBy(s => s.Number(7)).Select(s => s.Text(5)));
            Assert.All(phases, phase => Assert.Equal(backup.Bytes(1), phase.Bytes(1)));
            Assert.All(phases, phase => Assert.InRange(phase.Number(8), phase.Number(7), backup.Number(8)));

            var failed = collector.Spans.Single(s => s.Text(5) == "verifyDatabases");
            Assert.Equal("notFound", failed.Attributes(9)["error.type"]);
            Assert.Equal(2, failed.Messages(15).Single().Number(3));

            // Sum 7, histogram 9; NumberDataPoint: attributes 7, as_int 6; HistogramDataPoint: attributes 9, count 4, bounds 7.
            var counted = collector.Measures.Single(m => m.Text(1) == "backupapi.operations").Messages(7, 1).Single(p => p.Attributes(7)["kind"] == "backup");
            Assert.Equal(("ok", 1), (counted.Attributes(7)["outcome"], counted.Number(6)));
            var duration = collector.Measures.Single(m => m.Text(1) == "backupapi.operation.duration");
            Assert.Equal("s", duration.Text(3));
            var point = duration.Messages(9, 1).Single(p => p.Attributes(9)["kind"] == "backup");
            Assert.Equal((1, 3600.0), (point.Number(4), point.Reals(7)[^1]));

            Assert.Equal(["/v1/metrics", "/v1/traces"], collector.Paths);
            Assert.All(collector.Headers, header => Assert.Equal("secret", header));
            Assert.All(collector.Resources, resource => Assert.Equal("backupapi", resource["service.name"]));
            var (_, settings) = await service.GetAsync("/api/settings");
            Assert.DoesNotContain("secret", settings.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task By_gRPC_it_arrives_too()
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc: true);
        var service = Sending(collector, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_SERVICE_NAME", "shop-backup"));
        await service.InitializeAsync();
        try
        {
            await service.TakeBackupAsync();
            await UntilAsync(() => collector.Spans.Any(s => s.Text(5) == "backup") && collector.Measures.Any(m => m.Text(1) == "backupapi.backups"));
            Assert.All(collector.Resources, resource => Assert.Equal("shop-backup", resource["service.name"]));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_collector_that_is_gone_disturbs_nothing_and_the_last_operation_is_sent_before_the_exit()
    {
        using var folder = new TempFolder();
        folder.File("storage/a.txt", "hello"u8);
        var (service, _) = await ServiceProcess.ServeAsync(folder, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("AUTO_BACKUP_ENABLED", "true"), ("BACKUP_ON_START", "always"));
        using (service)
        {
            await service.WaitForAsync("backup ended ok");
            service.Terminate();
            Assert.Equal(0, await service.ExitAsync());
        }

        await using var collector = await OtlpCollector.StartAsync();
        (service, _) = await ServiceProcess.ServeAsync(folder, ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address.AbsoluteUri), ("AUTO_BACKUP_ENABLED", "true"), ("BACKUP_ON_START", "never"));
        using (service)
        {
            folder.File("storage/b.txt", "more"u8);
            service.Terminate();
            Assert.Equal(0, await service.ExitAsync());
        }

        Assert.Equal("stop", collector.Spans.Single(s => s.Text(5) == "backup").Attributes(9)["backupapi.operation.trigger"]);
    }
}
