using System.Globalization;
using System.Text.Json;
using Serilog.Events;

namespace BackupApi.Logging;

/// <summary>The parts of a log line that both forms share.</summary>
internal static class LogLine
{
    public const string Source = "SourceContext";

    /// <summary>UTC to the millisecond, as everywhere in this service.</summary>
    public static string Time(LogEvent entry) =>
        entry.Timestamp.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>The class that speaks, without its namespace: <c>BackupManager</c>.</summary>
    public static string ShortSource(LogEvent entry) =>
        entry.Properties.TryGetValue(Source, out var value) && value is ScalarValue { Value: string name }
            ? name[(name.LastIndexOf('.') + 1)..]
            : "BackupApi";

    /// <summary>The id of the operation it was said in, or is about; null for none.</summary>
    public static string? Operation(LogEvent entry) => Text(entry, "OperationId") ?? Text(entry, "Operation");

    private static string? Text(LogEvent entry, string name) => entry.Properties.TryGetValue(name, out var value) && value is ScalarValue { Value: string text } ? text : null;

    public static string Message(LogEvent entry)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var token in entry.MessageTemplate.Tokens)
        {
            // A text stands in a sentence as it is; Serilog would put it in quotation marks.
            if (token is Serilog.Parsing.PropertyToken { Format: null } property
                && entry.Properties.TryGetValue(property.PropertyName, out var value) && value is ScalarValue { Value: string or Enum } plain)
            {
                text.Write(plain.Value is Enum name ? NameOf(name) : plain.Value);
            }
            else
            {
                token.Render(entry.Properties, text, CultureInfo.InvariantCulture);
            }
        }

        return text.ToString();
    }

    /// <summary>Writes a property's value as JSON, depth bounded by Serilog's own destructuring limit.</summary>
    public static void WriteValue(Utf8JsonWriter json, LogEventPropertyValue value)
    {
        switch (value)
        {
            case ScalarValue { Value: var scalar }:
                WriteScalar(json, scalar);
                break;
            case SequenceValue sequence:
                json.WriteStartArray();
                foreach (var element in sequence.Elements)
                {
                    WriteValue(json, element);
                }

                json.WriteEndArray();
                break;
            case StructureValue structure:
                json.WriteStartObject();
                foreach (var property in structure.Properties)
                {
                    json.WritePropertyName(property.Name);
                    WriteValue(json, property.Value);
                }

                json.WriteEndObject();
                break;
            default:
                json.WriteStringValue(value.ToString(null, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void WriteScalar(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case byte or short or ushort or int or uint or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case Enum name:
                json.WriteStringValue(NameOf(name));
                break;
            case IFormattable formattable:
                json.WriteStringValue(formattable.ToString(value is DateTimeOffset ? "O" : null, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>As in answers and manifests: <c>notFound</c>.</summary>
    private static string NameOf(Enum value) => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
