using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BackupApi.Files;

namespace BackupApi.Archive;

/// <summary>How the JSON inside an archive is written and read: camel case, enums as words, indented for people.</summary>
internal static class ArchiveJson
{
    /// <summary>Largest manifest or report that is read; a larger one is treated as none of ours.</summary>
    public const int MaxBytes = 16 << 20;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        MaxDepth = 64,
    };

    /// <summary>Lines end in LF; the last one too. Names in it should have gone through <see cref="PathText.Show"/>.</summary>
    public static byte[] Write<T>(T value)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(value, Options);
        Array.Resize(ref json, json.Length + 1);
        json[^1] = (byte)'\n';
        return json;
    }

    /// <summary>Null when the bytes are not such a record.</summary>
    public static T? Read<T>(ReadOnlySpan<byte> json)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options);
        }
        catch (JsonException)
        {
            return null;
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }
}
