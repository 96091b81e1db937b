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

        if (Number(then, "storageFormat") is { } oldFormat && Number(now, "storageFormat") is { } newFormat && oldFormat > newFormat)
        {
            throw Differs("storageFormat", $"{oldFormat}", $"{newFormat}");
        }

        if (Text(then, "appVersion") is { } version && now.TryGetProperty("readsVersions", out var reads) && reads.ValueKind == JsonValueKind.Array
            && !reads.EnumerateArray().Any(allowed => allowed.ValueKind == JsonValueKind.String && Covers(allowed.GetString()!, version)))
        {
            throw Differs("appVersion", version, $"one of {reads.GetRawText()}");
        }
    }

    /// <summary><c>2.3</c> stands for itself, <c>2.*</c> for everything that begins with <c>2.</c></summary>
    private static bool Covers(string allowed, string version) =>
        allowed.EndsWith('*') ? version.StartsWith(allowed[..^1], StringComparison.Ordinal) : version == allowed;

    private static string? Text(JsonElement facts, string name) =>
        facts.ValueKind == JsonValueKind.Object && facts.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement facts, string name) =>
        facts.ValueKind == JsonValueKind.Object && facts.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    private static BackupException Differs(string what, string then, string now) =>
        new(Fault.ArchiveIncompatible, $"The backup does not fit the application: its {what} is {then}, the application's is {now}.", Hint);
}
