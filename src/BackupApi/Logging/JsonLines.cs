using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Serilog.Events;
using Serilog.Formatting;

namespace BackupApi.Logging;

/// <summary>One JSON object on each line, with the field names of the compact log event format (clef-json.org): <c>@t</c>, <c>@l</c>, <c>@m</c>, <c>@mt</c>, <c>@x</c>, then the properties.</summary>
/// <remarks><c>@l</c> is left out for information, as that format has it.</remarks>
internal sealed class JsonLines : ITextFormatter
{
    // What the server adds to every line of a request, beside its RequestId.
    private static readonly HashSet<string> LeftOut = new(StringComparer.Ordinal) { LogLine.Source, "EventId", "RequestPath", "ConnectionId" };

    // Only a log: the escapes that protect HTML would make names unreadable.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Format(LogEvent logEvent, TextWriter output)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Readable))
        {
            json.WriteStartObject();
            json.WriteString("@t", LogLine.Time(logEvent));
            if (logEvent.Level != LogEventLevel.Information)
            {
                json.WriteString("@l", logEvent.Level.ToString());
            }

            json.WriteString(LogLine.Source, LogLine.ShortSource(logEvent));
            json.WriteString("@m", LogLine.Message(logEvent));
            json.WriteString("@mt", logEvent.MessageTemplate.Text);
            if (logEvent.Exception is not null)
            {
                json.WriteString("@x", logEvent.Exception.ToString());
            }

            foreach (var (name, value) in logEvent.Properties.Where(property => !LeftOut.Contains(property.Key)))
            {
                json.WritePropertyName(name.StartsWith('@') ? "@" + name : name);
                LogLine.WriteValue(json, value);
            }

            json.WriteEndObject();
        }

        output.Write(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        output.Write('\n');
    }
}
