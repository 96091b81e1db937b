using BackupApi.Engines.LiteDb;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Looks whether the owners of the databases still bring their logs in: a log that only grows makes every opening slower and every capture larger.</summary>
internal sealed class WatchLogs(ServiceSettings settings)
{
    /// <summary>A log may be large for a moment: during one large transaction, or while a long reader holds it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Seen> large = new(StringComparer.Ordinal);

    /// <summary>The databases whose log has been over the limit for a while, was written to meanwhile and was never brought in; with its bytes.</summary>
    public IReadOnlyList<LargeLog> Look(IReadOnlyList<DatabaseFacts> databases, DateTimeOffset now)
    {
        var found = new List<LargeLog>();
        foreach (var database in databases)
        {
            if (LogOf(database) is not { } log || log.Bytes <= settings.Health.LargeLogBytes)
            {
                large.Remove(database.Name);
                continue;
            }

            if (!large.TryGetValue(database.Name, out var first) || first.Salt != log.Salt || log.Bytes < first.Bytes)
            {
                large[database.Name] = first = new Seen(now, log.Salt, log.Bytes);
            }

            if (log.Bytes > first.Bytes && (now - first.At).Duration() >= Patience)
            {
                found.Add(new LargeLog(database.Name, database.Engine, log.Bytes));
            }
        }

        return found;
    }

    private (ulong Salt, long Bytes)? LogOf(DatabaseFacts database)
    {
        var path = $"{settings.StoragePath}/{ShownName.Parse(database.Name)}";
        return database.Engine switch
        {
            "sqlite" => WalFile.Look(path + SideFiles.Wal),
            "litedb" when SizeOf(LiteDbNames.LogOf(path)) is { } size => (0, size),
            _ => null,
        };
    }

    private static long? SizeOf(string path)
    {
        try
        {
            return Posix.FindStat(path)?.Size;
        }
        catch (PosixException)
        {
            return null;
        }
    }

    private sealed record Seen(DateTimeOffset At, ulong Salt, long Bytes);
}
