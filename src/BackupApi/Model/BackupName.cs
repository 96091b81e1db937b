using System.Globalization;
using System.Text.RegularExpressions;

namespace BackupApi.Model;

/// <summary>File names of backups: <c>backup_yyyy-MM-dd_HHmmss.tar.gz</c> in UTC, with <c>.age</c> behind it when it is encrypted. A second that saw several gives the later ones the names of the seconds after it; their manifests say when they were made.</summary>
internal static partial class BackupName
{
    public const string Ending = ".tar.gz";

    /// <summary>Follows the other ending where the archive is encrypted.</summary>
    public const string EncryptedEnding = ".age";

    private const string Stamp = "yyyy-MM-dd_HHmmss";

    /// <summary>Longest name Linux file systems take, in bytes.</summary>
    private const int MaxLength = 255;

    public static bool IsEncrypted(string name) => name.EndsWith(EncryptedEnding, StringComparison.OrdinalIgnoreCase);

    /// <summary>The name of the first second, from this one on, that is not taken, encrypted or not: both have the same state file.</summary>
    public static string Next(DateTimeOffset instant, Func<string, bool> isTaken, bool isEncrypted = false)
    {
        while (true)
        {
            var name = "backup_" + instant.UtcDateTime.ToString(Stamp, CultureInfo.InvariantCulture) + Ending;
            if (!isTaken(name) && !isTaken(name + EncryptedEnding))
            {
                return isEncrypted ? name + EncryptedEnding : name;
            }

            instant = instant.AddSeconds(1);
        }
    }

    /// <summary>The date a name carries, also one made by others that ends or begins so; null when it carries none.</summary>
    public static DateTimeOffset? FindDate(string name) =>
        StampPattern().Match(name) is { Success: true } match
        && DateTimeOffset.TryParseExact(match.Value, Stamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant
            : null;

    /// <summary>The name itself, when it is a plain file name that cannot leave its folder.</summary>
    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>.</exception>
    public static string Require(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            throw new BackupException(Fault.InvalidRequest, "No backup was named.", "Give the name of a backup as GET /api/backup/list shows it.");
        }

        var isPlain = name.Length <= MaxLength && name[0] != '.' && name.AsSpan().IndexOfAny('/', '\\', '\0') < 0
            && !name.Contains("..", StringComparison.Ordinal) && !name.Any(char.IsControl);
        return isPlain ? name : throw new BackupException(
            Fault.InvalidRequest,
            "The name of a backup cannot hold a path.",
            "Give the plain file name as GET /api/backup/list shows it, for instance backup_2026-11-20_120000.tar.gz.");
    }

    [GeneratedRegex(@"\d{4}-\d{2}-\d{2}_\d{6}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex StampPattern();
}
