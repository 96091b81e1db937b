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
        if (decoded.Length == 0 || decoded.StartsWith('/') || decoded.Contains('\0', StringComparison.Ordinal)
            || decoded.Split('/').Any(part => part is "" or "." or ".."))
        {
            throw Invalid("The path is not that of an entry in a backup.", "Take it from GET /api/backup/{name}/files.");
        }

        return decoded;
    }

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

    private static BackupException Invalid(string message, string hint) => new(Fault.InvalidRequest, message, hint);
}
