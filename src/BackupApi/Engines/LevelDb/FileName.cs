using System.Globalization;

namespace BackupApi.Engines.LevelDb;

internal enum FileRole
{
    /// <summary>Not one of the database's names: it stays a plain file.</summary>
    Foreign,
    Current,
    Manifest,
    Table,
    Log,

    /// <summary>LOCK: locked by fcntl while a process has the database open; its existence means nothing, and it is never archived.</summary>
    Lock,

    /// <summary>LOG and LOG.old: text for people.</summary>
    InfoLog,

    /// <summary>NNNNNN.dbtmp: a CURRENT that was not renamed yet.</summary>
    Temporary,
}

/// <summary>A name of a LevelDB folder (db/filename.cc): its role, and its number where it has one.</summary>
internal readonly record struct FileName(string Name, FileRole Role, ulong Number)
{
    private const string ManifestPrefix = "MANIFEST-";

    /// <summary>Part of a backup: everything but locks, text logs and unfinished files.</summary>
    public bool IsContent => Role is FileRole.Current or FileRole.Manifest or FileRole.Table or FileRole.Log;

    public static FileName Parse(string name) => name switch
    {
        "CURRENT" => new(name, FileRole.Current, 0),
        "LOCK" => new(name, FileRole.Lock, 0),
        "LOG" or "LOG.old" => new(name, FileRole.InfoLog, 0),
        _ when name.StartsWith(ManifestPrefix, StringComparison.Ordinal) => Numbered(name, name[ManifestPrefix.Length..], FileRole.Manifest),
        _ => Path.GetExtension(name) switch
        {
            ".ldb" or ".sst" => Numbered(name, name[..^4], FileRole.Table),
            ".log" => Numbered(name, name[..^4], FileRole.Log),
            ".dbtmp" => Numbered(name, name[..^6], FileRole.Temporary),
            _ => new(name, FileRole.Foreign, 0),
        },
    };

    /// <summary>What CURRENT says, or null when it is not the name of a MANIFEST and a line end.</summary>
    public static string? ManifestNamedBy(ReadOnlySpan<byte> current)
    {
        if (current.Length is 0 or > 64 || current[^1] != '\n')
        {
            return null;
        }

        var name = System.Text.Encoding.Latin1.GetString(current[..^1]);
        return Parse(name).Role == FileRole.Manifest ? name : null;
    }

    // The engine prints at least six digits; fewer would be another program's file, such as a 1.log. TryParse alone lets NULs at the end pass.
    private static FileName Numbered(string name, string digits, FileRole role) =>
        digits.Length >= 6 && digits.All(char.IsAsciiDigit) && ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new(name, role, number)
            : new(name, FileRole.Foreign, 0);
}
