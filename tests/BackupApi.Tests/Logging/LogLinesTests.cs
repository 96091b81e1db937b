using System.Text.Json;
using BackupApi.Logging;
using BackupApi.Model;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Xunit;

namespace BackupApi.Tests.Logging;

public sealed class LogLinesTests
{
    [Fact]
    public void A_line_for_people_names_time_level_and_speaker()
    {
        var line = Write(new TextLines(), log => log.ForContext(Constants.SourceContextPropertyName, "BackupApi.Operations.BackupManager").Warning("{Kind} of {Name} took {Seconds:F1} s", Fault.NotFound, "a b", 1.25));

        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WRN BackupManager: notFound of a b took 1\.[23] s\n$", line);
    }

    [Fact]
    public void A_line_for_people_names_the_operation_it_was_said_in_once()
    {
        static string Say(string message) => Write(new TextLines(), log => log.ForContext("OperationId", "20261120T120000Z-0001").Information(message));

        Assert.EndsWith(" INF BackupApi [20261120T120000Z-0001]: retried\n", Say("retried"), StringComparison.Ordinal);
        Assert.EndsWith(" INF BackupApi: 20261120T120000Z-0001 started\n", Say("20261120T120000Z-0001 started"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_from_outside_forges_no_line()
    {
        var line = Write(new TextLines(), log => log.Information("label {Label}", "x\n2026 INF BackupManager: all is well\u001b[2J"));

        Assert.Single(line.TrimEnd('\n').Split('\n'));
        Assert.Contains("\\u000A", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', line);
    }

    [Fact]
    public void A_stack_trace_follows_its_line() =>
        Assert.Contains("\nSystem.InvalidOperationException: broken", Write(new TextLines(), log => log.Error(new InvalidOperationException("broken"), "bug")), StringComparison.Ordinal);

    [Fact]
    public void A_JSON_line_holds_every_value_in_its_own_kind()
    {
        var line = Write(new JsonLines(), log => log
            .ForContext("SourceContext", "BackupApi.Operations.BackupManager")
            .Error(new InvalidOperationException("broken\nhere"), "{Kind} {Bytes} {Done} {Name} {@Finding} {List} {None}", Fault.NoRoom, 12L, true, "grüße \"x\"\n", new Finding("a", "b"), new[] { 1, 2 }, null));

        Assert.Single(line.TrimEnd('\n').Split('\n'));
        var json = JsonDocument.Parse(line).RootElement;
        Assert.Equal("Error", json.GetProperty("@l").GetString());
        Assert.Equal("BackupManager", json.GetProperty("SourceContext").GetString());
        Assert.Equal("noRoom", json.GetProperty("Kind").GetString());
        Assert.Equal(12, json.GetProperty("Bytes").GetInt64());
        Assert.True(json.GetProperty("Done").GetBoolean());
        Assert.Equal("grüße \"x\"\n", json.GetProperty("Name").GetString());
        Assert.Equal("b", json.GetProperty("Finding").GetProperty("Message").GetString());
        Assert.Equal(2, json.GetProperty("List").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("None").ValueKind);
        Assert.Contains("broken", json.GetProperty("@x").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("noRoom 12 ", json.GetProperty("@m").GetString(), StringComparison.Ordinal);
    }

    private static string Write(ITextFormatter formatter, Action<ILogger> say)
    {
        var sink = new Kept(formatter);
        using var logger = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(sink).CreateLogger();
        say(logger);
        return sink.Text;
    }

    private sealed class Kept(ITextFormatter formatter) : ILogEventSink
    {
        public string Text { get; private set; } = "";

        public void Emit(LogEvent logEvent)
        {
            using var text = new StringWriter();
            formatter.Format(logEvent, text);
            Text += text.ToString();
        }
    }
}
