using Serilog.Events;
using Serilog.Formatting;

namespace BackupApi.Logging;

/// <summary>One line for people: <c>2026-11-20T12:00:00.000Z INF BackupManager [20261120T120000Z-0001]: …</c>, in brackets the operation it was said in, unless the message names it; a stack trace, where there is one, on the lines after it.</summary>
internal sealed class TextLines : ITextFormatter
{
    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write(LogLine.Time(logEvent));
        output.Write(' ');
        output.Write(ShortLevel(logEvent.Level));
        output.Write(' ');
        output.Write(LogLine.ShortSource(logEvent));
        var message = LogLine.Message(logEvent);
        if (LogLine.Operation(logEvent) is { } operation && !message.Contains(operation, StringComparison.Ordinal))
        {
            output.Write($" [{operation}]");
        }

        output.Write(": ");
        WriteOneLine(message, output);
        output.Write('\n');
        if (logEvent.Exception is not null)
        {
            output.Write(logEvent.Exception.ToString());
            output.Write('\n');
        }
    }

    private static string ShortLevel(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => "TRC",
        LogEventLevel.Debug => "DBG",
        LogEventLevel.Information => "INF",
        LogEventLevel.Warning => "WRN",
        LogEventLevel.Error => "ERR",
        _ => "CRT",
    };

    /// <summary>A label or a file name must not be able to forge a line or steer a terminal.</summary>
    private static void WriteOneLine(string message, TextWriter output)
    {
        foreach (var c in message)
        {
            if (char.IsControl(c))
            {
                output.Write("\\u");
                output.Write(((int)c).ToString("X4", System.Globalization.CultureInfo.InvariantCulture));
            }
            else
            {
                output.Write(c);
            }
        }
    }
}
