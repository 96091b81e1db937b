using System.Globalization;
using System.Text.RegularExpressions;
using BackupApi.Model;
using BackupApi.Operations.Metrics;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

public sealed partial class MetricsTests
{
    [Fact]
    public async Task What_was_done_is_counted_and_written_by_the_grammar_of_the_format()
    {
        await using var service = await Service.StartAsync();
        var text = service.Get<PrometheusText>();
        service.Temp.File("storage/a.txt", "hello"u8);
        using (var shell = SqliteShell.Open(service.Storage + "/a \"quoted\" name.db"))
        {
            shell.Run("create table t(x); insert into t values(1),(2);");
        }

        await service.Manager.StartBackup(new CreateRequest()).Completion;
        await service.Manager.StartVerify(service.Manager.List()[0].Name).Completion;
        service.Get<BackupApi.Operations.WatchHealth>().Refresh();

        var written = text.Write();

        Assert.EndsWith("\n", written, StringComparison.Ordinal);
        var lines = written.Split('\n')[..^1];
        Assert.All(lines, line => Assert.Matches(Grammar(), line));
        Assert.Contains("backupapi_operations_total{kind=\"backup\",trigger=\"manual\",outcome=\"ok\"} 1", lines, StringComparer.Ordinal);
        Assert.Contains("backupapi_operation_duration_seconds_count{kind=\"verify\"} 1", lines, StringComparer.Ordinal);
        Assert.Contains("backupapi_backups 1", lines, StringComparer.Ordinal);
        Assert.Contains("backupapi_health 0", lines, StringComparer.Ordinal);
        Assert.Contains("backupapi_database_entries{database=\"a \\\"quoted\\\" name.db\",engine=\"sqlite\"} 2", lines, StringComparer.Ordinal);

        // Each family is told once, before its samples, and no sample twice.
        var types = lines.Where(l => l.StartsWith("# TYPE", StringComparison.Ordinal)).ToList();
        Assert.Equal(types.Distinct(StringComparer.Ordinal), types);
        var samples = lines.Where(l => l[0] != '#').Select(l => l[..l.LastIndexOf(' ')]).ToList();
        Assert.Equal(samples.Distinct(StringComparer.Ordinal), samples);

        var buckets = lines.Where(l => l.StartsWith("backupapi_operation_duration_seconds_bucket{kind=\"backup\"", StringComparison.Ordinal)).Select(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(buckets.Order(), buckets);
        Assert.Equal(1, buckets[^1]);
    }

    /// <summary>A line of the text format: a comment, or name, labels and value.</summary>
    [GeneratedRegex("""^(# (HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*|TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram))|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*")*\})? (-?[0-9.]+(E[+-]?[0-9]+)?|\+Inf|NaN))$""", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Grammar();
}
