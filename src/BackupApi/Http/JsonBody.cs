using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http;

/// <summary>A JSON body, read whatever the <c>Content-Type</c> says: PowerShell posts text as a form, curl -d does too. No body is <c>{}</c>.</summary>
/// <remarks>An unknown field is refused: a misspelt <c>paths</c> must not become a restore of everything. Names are matched without regard to case.</remarks>
internal sealed record JsonBody<T>(T Value)
    where T : class
{
    /// <summary>Called by the framework for a parameter of this type.</summary>
    public static async ValueTask<JsonBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        new(JsonText.Parse<T>(await JsonText.ReadAsync(context.Request, context.RequestServices.GetRequiredService<TimeProvider>(), context.RequestAborted)));
}

/// <summary>From the bytes of a request to what they say.</summary>
internal static class JsonText
{
    /// <summary>Bytes; a label, a name and an application's metadata fit many times over.</summary>
    public const int LargestBody = 64 * 1024;

    /// <summary>For the whole body, however steadily it trickles.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly JsonSerializerOptions Lenient = new(JsonConventions.Options)
    {
        PropertyNameCaseInsensitive = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <exception cref="BackupException"><see cref="Fault.TooLarge"/>.</exception>
    /// <exception cref="BadHttpRequestException">408, when it does not arrive in time.</exception>
    public static async Task<string> ReadAsync(HttpRequest request, TimeProvider time, CancellationToken ct)
    {
        if (request.ContentLength > LargestBody)
        {
            throw TooLarge();
        }

        var buffer = ArrayPool<byte>.Shared.Rent(LargestBody + 1);
        using var late = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            var length = await request.Body.ReadAtLeastAsync(buffer.AsMemory(0, LargestBody + 1), LargestBody + 1, throwOnEndOfStream: false, either.Token);
            return length > LargestBody ? throw TooLarge() : Decode(buffer.AsSpan(0, length));
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body did not arrive in time.", StatusCodes.Status408RequestTimeout, e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>UTF-8, or UTF-16 with its mark; what is neither is Latin-1, which Windows PowerShell 5.1 sends.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        }
        else if (bytes.StartsWith(Encoding.Unicode.Preamble))
        {
            return Encoding.Unicode.GetString(bytes[2..]);
        }
        else if (bytes.StartsWith(Encoding.BigEndianUnicode.Preamble))
        {
            return Encoding.BigEndianUnicode.GetString(bytes[2..]);
        }

        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }

    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>, naming line and position.</exception>
    public static T Parse<T>(string text)
        where T : class
    {
        text = string.IsNullOrWhiteSpace(text) ? "{}" : text;
        try
        {
            using (var document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false }))
            {
                RefuseOtherThan<T>(document.RootElement);
            }

            var value = JsonSerializer.Deserialize<T>(text, Lenient)!;
            RefuseHalfCharacters(text);
            return value;
        }
        catch (InvalidOperationException e)
        {
            throw new BackupException(Fault.InvalidRequest, "The body holds half a character: an escape such as \\ud800 without the other half.", "Send the character itself, as UTF-8.", e);
        }
        catch (JsonException e)
        {
            throw new BackupException(Fault.InvalidRequest, Explain(e), "Send a JSON object such as {\"label\":\"before-migration\"}; in PowerShell put it in single quotation marks.");
        }
    }

    /// <summary>JSON may escape one half of a pair of surrogates (RFC 8259, 8.2); no text holds it, so it could be stored nowhere.</summary>
    /// <exception cref="InvalidOperationException">The reader's own, when a text holds one.</exception>
    private static void RefuseHalfCharacters(string text)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped)
            {
                _ = reader.GetString();
            }
        }
    }

    private static void RefuseOtherThan<T>(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new BackupException(Fault.InvalidRequest, "The body is JSON, but not an object.", "Put the fields between { and }.");
        }

        var known = FieldsOf(typeof(T));
        foreach (var field in root.EnumerateObject().Where(field => !known.Contains(field.Name, StringComparer.OrdinalIgnoreCase)))
        {
            throw new BackupException(Fault.InvalidRequest, $"The body holds an unknown field \"{Shorten(field.Name)}\".", $"Known are: {string.Join(", ", known)}.");
        }
    }

    /// <summary>The framework's words without its type names; line and position count from 1, the position in bytes of UTF-8.</summary>
    private static string Explain(JsonException e)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"line {(e.LineNumber ?? 0) + 1}, position {(e.BytePositionInLine ?? 0) + 1}");
        var words = e.Message;
        var end = words.IndexOf(" Path: ", StringComparison.Ordinal) is >= 0 and var path ? path : words.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        words = end >= 0 ? words[..end] : words;
        return words.Contains("could not be converted", StringComparison.Ordinal)
            ? $"The field {e.Path} in the body has a value of the wrong kind, at {place}."
            : $"The body is not valid JSON at {place}: {Shorten(words.TrimEnd('.'))}.";
    }

    /// <summary>What a body of this type may hold.</summary>
    public static IReadOnlyList<string> FieldsOf(Type body) => [.. Lenient.GetTypeInfo(body).Properties.Select(property => property.Name)];

    public static string Shorten(string text) => text.Length > 200 ? text[..200] + "…" : text;

    private static BackupException TooLarge() =>
        new(Fault.TooLarge, "The body is larger than 64 KB.", "Send only the fields that the call knows; they fit many times over.");
}
