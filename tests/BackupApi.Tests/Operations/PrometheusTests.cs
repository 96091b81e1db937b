using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary><c>/metrics</c> of the real service, judged by Prometheus' own programs.</summary>
public sealed class PrometheusTests(RunningService service) : IClassFixture<RunningService>
{
    [Fact]
    public async Task Its_own_tool_has_nothing_to_say_against_the_figures()
    {
        await service.TakeBackupAsync();
        await File.WriteAllTextAsync(service.Folder["metrics"], await service.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)));

        Assert.Equal("", Shell.Run(service.Folder.Path, "promtool check metrics < metrics 2>&1"));
    }

    [Fact]
    public async Task It_scrapes_them_and_counts_what_came_before_its_first_look()
    {
        await service.TakeBackupAsync();
        var port = FreePort();
        service.Folder.File("prometheus.yml", System.Text.Encoding.ASCII.GetBytes($$"""
            global: { scrape_interval: 250ms }
            scrape_configs:
              - job_name: backupapi
                static_configs: [ { targets: [ "{{service.Client.BaseAddress!.Authority}}" ] } ]
            """));
        using var prometheus = Process.Start(new ProcessStartInfo(
            "prometheus", [$"--config.file={service.Folder["prometheus.yml"]}", $"--storage.tsdb.path={service.Folder["tsdb"]}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])
        { RedirectStandardError = true })!;
        try
        {
            using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            var value = 0.0;
            for (var i = 0; i < 300 && value < 1; i++)
            {
                await Task.Delay(100);
                value = await AskAsync(client, "sum(backupapi_operations_total{kind=\"backup\",outcome=\"ok\"})");
            }

            Assert.True(value >= 1, prometheus.HasExited ? await prometheus.StandardError.ReadToEndAsync() : "it was not scraped in 30 s");
            Assert.True(await AskAsync(client, "sum(backupapi_operation_duration_seconds_bucket{kind=\"backup\",le=\"+Inf\"})") >= 1);
            Assert.True(await AskAsync(client, "backupapi_disk_free_bytes{folder=\"backups\"}") > 0);
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync();
        }
    }

    /// <summary>The value of an expression of one series; 0 while there is none.</summary>
    private static async Task<double> AskAsync(HttpClient client, string expression)
    {
        try
        {
            var answer = JsonDocument.Parse(await client.GetStringAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(expression)}", UriKind.Relative))).RootElement;
            var series = answer.GetProperty("data").GetProperty("result");
            return series.GetArrayLength() == 0 ? 0 : double.Parse(series[0].GetProperty("value")[1].GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
