using Serilog.Core;
using Serilog.Events;

namespace BackupApi.Logging;

/// <summary>The last lines of the log, for whoever asks over HTTP. Thread-safe; bounded.</summary>
internal sealed class LogMemory : ILogEventSink
{
    public const int Capacity = 1000;

    private readonly Lock gate = new();
    private readonly Queue<LogEvent> lines = new(Capacity);

    public void Emit(LogEvent logEvent)
    {
        lock (gate)
        {
            if (lines.Count == Capacity)
            {
                lines.Dequeue();
            }

            lines.Enqueue(logEvent);
        }
    }

    /// <summary>Newest first: those at least so serious, at most so many.</summary>
    public IReadOnlyList<(DateTimeOffset At, LogLevel Level, string Source, string Message, string? Operation, string? Exception)> Newest(LogLevel least, int count)
    {
        lock (gate)
        {
            return [.. lines.Reverse().Where(e => LevelOf(e.Level) >= least).Take(count).Select(e => (
                e.Timestamp, LevelOf(e.Level), LogLine.ShortSource(e), LogLine.Message(e), LogLine.Operation(e), e.Exception?.ToString()))];
        }
    }

    private static LogLevel LevelOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => LogLevel.Trace,
        LogEventLevel.Debug => LogLevel.Debug,
        LogEventLevel.Information => LogLevel.Information,
        LogEventLevel.Warning => LogLevel.Warning,
        LogEventLevel.Error => LogLevel.Error,
        _ => LogLevel.Critical,
    };
}
