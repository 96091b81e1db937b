using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Http;

/// <summary>What may stand in a path, a query or a field; everything else is <see cref="Fault.InvalidRequest"/>.</summary>
internal static class RequestChecks
{
    private const int LongestKey = 255;

    /// <summary>The name of a backup: one file name, in whatever disguise it comes.</summary>
    /// <remarks>The server decodes a path once, all but <c>%2F</c>; so a name is also looked at decoded once more.</remarks>
    public static string BackupName(string? name)
    {
        _ = Model.BackupName.Require(Uri.UnescapeDataString(name ?? ""));
        return Model.BackupName.Require(name);
    }

    /// <summary>A path inside a backup, with <c>/</c>.</summary>
    public static string EntryPath(string? path)
    {
        var decoded = (path ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase).TrimEnd('/');
        return IsInside(decoded) ? decoded : throw Invalid("The path is not that of an entry in a backup.", "Take it from GET /api/backup/{name}/files.");
    }

    /// <summary>A folder below storage, with <c>/</c>.</summary>
    public static string NewFolder(string path) =>
        path.TrimEnd('/') is var folder && IsInside(folder)
            ? folder
            : throw Invalid("The path in 'to' is not that of a folder inside storage.", "Name a folder that does not exist yet, relative to storage, for instance restored/2026-11-20.");

    public static string? Label(string? label)
    {
        if (string.IsNullOrWhiteSpace(label))
        {
            return null;
        }

        if (label.EnumerateRunes().Count() > CreateRequest.MaxLabelLength)
        {
            throw Invalid($"The label is longer than {CreateRequest.MaxLabelLength} characters.", "Shorten it; metadata has room for more.");
        }

        return label.Any(char.IsControl)
            ? throw Invalid("The label holds a control character.", "A label is one line of text.")
            : label;
    }

    public static JsonElement? Metadata(JsonElement? metadata) =>
        metadata is { } given && !PlainJson.IsPlain(given)
            ? throw Invalid($"The metadata are nested deeper than {PlainJson.MaxDepth}.", "Flatten them, or keep them in a file of storage.")
            : metadata;

    public static string? IdempotencyKey(string? key) => key switch
    {
        null or "" => null,
        { Length: > LongestKey } => throw Invalid($"The Idempotency-Key is longer than {LongestKey} characters.", "A random UUID is enough."),
        _ => key,
    };

    public static RestoreMode Mode(string? mode) => mode?.ToUpperInvariant() switch
    {
        null or "" or "FULL" => RestoreMode.Full,
        "EVENTLOG" => RestoreMode.Eventlog,
        _ => throw Invalid("The mode is neither full nor eventlog.", "Leave it out for everything; eventlog brings back only the sources of that role."),
    };

    public static bool Flag(string name, string? text, bool byDefault) => text?.ToUpperInvariant() switch
    {
        null => byDefault,
        "" or "TRUE" or "1" or "YES" or "ON" => true,
        "FALSE" or "0" or "NO" or "OFF" => false,
        _ => throw Invalid($"The value of {name} is neither true nor false.", $"Use ?{name}=true or ?{name}=false."),
    };

    /// <summary>A flag that may stand in the address and in the body; false where it stands in neither.</summary>
    public static bool Flag(string name, string? inQuery, bool? inBody) =>
        inQuery is not null && inBody is { } said && Flag(name, inQuery, byDefault: false) != said
            ? throw Contradiction(name)
            : inBody ?? Flag(name, inQuery, byDefault: false);

    /// <summary>A text that may stand in the address and in the body.</summary>
    public static string? Either(string name, string? inQuery, string? inBody) =>
        inQuery is not null && inBody is not null && inQuery != inBody ? throw Contradiction(name) : inBody ?? inQuery;

    /// <summary>An empty list is more likely the accident of a script than the wish for everything.</summary>
    public static IReadOnlyList<string> Paths(IReadOnlyList<string>? paths) =>
        paths is { Count: 0 } ? throw Invalid("The list of paths is empty.", "Leave paths out to bring everything back.") : [.. (paths ?? []).Select(EntryPath)];

    private static bool IsInside(string path) =>
        path.Length > 0 && !path.StartsWith('/') && !path.Contains('\0', StringComparison.Ordinal) && !path.Split('/').Any(part => part is "" or "." or "..");

    private static BackupException Contradiction(string name) =>
        Invalid($"The address and the body say different things of {name}, so nothing was done.", "Give it in one of them.");

    private static BackupException Invalid(string message, string hint) => new(Fault.InvalidRequest, message, hint);
}
