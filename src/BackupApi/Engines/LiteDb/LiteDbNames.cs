namespace BackupApi.Engines.LiteDb;

/// <summary>Names of the files beside a database: the suffix goes before the extension (LiteDB FileHelper.cs).</summary>
internal static class LiteDbNames
{
    private const string LogSuffix = "-log";

    /// <summary><c>shop.db</c> gives <c>shop-log.db</c>; <c>shop</c> gives <c>shop-log</c>.</summary>
    public static string LogOf(string data) => With(data, LogSuffix);

    /// <summary>Sort spill: the engine makes and deletes it at will, nothing else can live under this name.</summary>
    public static string SortOf(string data) => With(data, "-tmp");

    /// <summary>Crash journal of LiteDB v4.</summary>
    public static string JournalOf(string data) => With(data, "-journal");

    /// <summary>True for <c>shop-log.db</c>.</summary>
    public static bool IsLogName(string path) => Split(path).Stem.EndsWith(LogSuffix, StringComparison.Ordinal);

    /// <summary><c>shop-temp.db</c>, <c>shop-temp-1.db</c> and so on: a file under construction by a rebuild.</summary>
    public static string RebuildOutputOf(string data, int number) => With(data, number == 0 ? "-temp" : $"-temp-{number}");

    /// <summary><c>shop.db</c> for <c>shop-backup.db</c> and <c>shop-backup-2.db</c>, the old content that a rebuild leaves; null for every other name.</summary>
    public static string? RebuiltFrom(string path)
    {
        const string Suffix = "-backup";
        var (stem, extension) = Split(path);
        var at = stem.LastIndexOf(Suffix, StringComparison.Ordinal);
        var rest = at < 0 ? default : stem.AsSpan(at + Suffix.Length);
        return at >= 0 && (rest.IsEmpty || (rest.Length > 1 && rest[0] == '-' && rest[1..].IndexOfAnyExceptInRange('0', '9') < 0))
            ? stem[..at] + extension
            : null;
    }

    private static string With(string data, string suffix)
    {
        var (stem, extension) = Split(data);
        return stem + suffix + extension;
    }

    private static (string Stem, string Extension) Split(string path)
    {
        var dot = path.LastIndexOf('.');
        var slash = path.LastIndexOf('/');
        return dot <= slash ? (path, "") : dot == path.Length - 1 ? (path[..dot], "") : (path[..dot], path[dot..]);
    }
}
