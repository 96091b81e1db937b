using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace BackupApi.Model;

/// <summary>Whether JSON of somebody else can be carried on: into a manifest, an answer, a comparison. Pure.</summary>
internal static class PlainJson
{
    /// <summary>It is put into other JSON, and all of that may be nested 64 deep.</summary>
    public const int MaxDepth = 32;

    /// <summary>No deeper than <see cref="MaxDepth"/>, and every text and name in it is one: JSON may escape half a character, and bytes need not be UTF-8; both are met only when a text is read.</summary>
    public static bool IsPlain(JsonElement json) => IsPlain(JsonMarshal.GetRawUtf8Value(json));

    /// <inheritdoc cref="IsPlain(JsonElement)"/>
    public static bool IsPlain(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
                {
                    _ = reader.GetString();
                }
            }

            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            return false;
        }
    }
}
