using System.Globalization;
using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Compares what an application said of itself when a backup was taken with what it says now.</summary>
internal static class ApplicationFit
{
    private const string Hint = "Start the version of the application that this backup belongs to, restore another backup, or ask again with 'force'.";

    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: another <c>schemaHash</c>, a newer <c>storageFormat</c>, or an <c>appVersion</c> not in <c>readsVersions</c>.</exception>
    public static void Require(JsonElement then, JsonElement now)
    {
        if (Text(then, "schemaHash") is { } oldHash && Text(now, "schemaHash") is { } newHash && oldHash != newHash)
        {
            throw Differs("schemaHash", oldHash, newHash);
        }

        if (Text(then, "storageFormat") is { } oldFormat && Text(now, "storageFormat") is { } newFormat && IsGreater(oldFormat, newFormat))
        {
            throw Differs("storageFormat", oldFormat, newFormat);
        }

        if (Text(then, "appVersion") is { } version && now.TryGetProperty("readsVersions", out var reads) && Versions(reads) is { } readable && !readable.Any(allowed => Covers(allowed, version)))
        {
            throw Differs("appVersion", version, $"one of {reads.GetRawText()}");
        }
    }

    /// <summary><c>2.3</c> stands for itself, <c>2.*</c> for everything that begins with <c>2.</c></summary>
    private static bool Covers(string allowed, string version) =>
        allowed.EndsWith('*') ? version.StartsWith(allowed[..^1], StringComparison.Ordinal) : version == allowed;

    /// <summary>A list, or one text as the setting has it, with commas; null where it says nothing.</summary>
    private static IEnumerable<string>? Versions(JsonElement reads) =>
        reads.ValueKind == JsonValueKind.Array ? reads.EnumerateArray().Select(Text).OfType<string>()
        : Text(reads)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } named ? named : null;

    /// <summary>Of what is no number nothing can be said.</summary>
    private static bool IsGreater(string then, string now) =>
        decimal.TryParse(then, NumberStyles.Float, CultureInfo.InvariantCulture, out var exactThen) && decimal.TryParse(now, NumberStyles.Float, CultureInfo.InvariantCulture, out var exactNow) ? exactThen > exactNow
        : double.TryParse(then, NumberStyles.Float, CultureInfo.InvariantCulture, out var oldFormat) && double.TryParse(now, NumberStyles.Float, CultureInfo.InvariantCulture, out var newFormat) && oldFormat > newFormat;

    private static string? Text(JsonElement facts, string name) => facts.ValueKind == JsonValueKind.Object && facts.TryGetProperty(name, out var value) ? Text(value) : null;

    /// <summary>An application may write <c>7</c> as it may write <c>"7"</c>: both say the same, and neither must go unseen.</summary>
    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    private static BackupException Differs(string what, string then, string now) =>
        new(Fault.ArchiveIncompatible, $"The backup does not fit the application: its {what} is {then}, the application's is {now}.", Hint);
}
