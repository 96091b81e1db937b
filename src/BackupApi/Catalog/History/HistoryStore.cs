using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Catalog.History;

/// <summary>Every operation of the last 90 days, in a SQLite database of our own. Losing it loses nothing that matters: what is damaged is put away and begun anew.</summary>
/// <param name="loadLibrary">Makes the SQLite library ready; called before its first use.</param>
internal sealed partial class HistoryStore(string path, Action loadLibrary, TimeProvider clock, ILogger<HistoryStore> log) : IDisposable
{
    public static readonly TimeSpan Kept = TimeSpan.FromDays(90);

    /// <summary>Raised when the table changes: an older file is put away.</summary>
    private const int SchemaVersion = 1;

    private const string Columns = "id, kind, cause, started, ended, outcome, fault, message, hint, backup, bytes_read, bytes_compressed, bytes_carried, confirmed, archive_bytes, total_bytes";

    private readonly Lock gate = new();
    private HistoryDatabase? database;
    private bool isBroken;
    private DateTimeOffset prunedAt;

    /// <summary>Never fails: an operation went as it went, whether or not it could be written down.</summary>
    public void Add(HistoryEntry entry) => Use(db =>
    {
        var o = entry.Operation;
        db.Execute(
            $"insert or replace into operations({Columns}) values(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            o.Id, o.Kind.ToString(), o.Trigger.ToString(), o.StartedAt.ToUnixTimeMilliseconds(), o.EndedAt?.ToUnixTimeMilliseconds(), o.Outcome?.ToString(), o.Fault?.ToString(), o.Message, o.Hint,
            o.BackupName, o.BytesRead, o.BytesCompressed, o.BytesCarriedOver, o.Confirmed, entry.ArchiveBytes, entry.TotalBytes);
        var now = clock.GetUtcNow();
        if ((now - prunedAt).Duration() > TimeSpan.FromDays(1))
        {
            db.Execute("delete from operations where started < ?", (now - Kept).ToUnixTimeMilliseconds());
            prunedAt = now;
        }

        return 0;
    });

    /// <summary>A page, newest first; empty where history cannot be read.</summary>
    public HistoryPage List(HistoryFilter filter)
    {
        var (where, values) = Conditions(filter);
        var limit = Math.Clamp(filter.Limit, 1, HistoryFilter.MaxPage);
        values.Add(limit + 1);
        var rows = Use(db => db.Query($"select {Columns} from operations{where} order by started desc, id desc limit ?", values.ToArray(), Read)) ?? [];
        return rows.Count > limit
            ? new HistoryPage(rows[..limit], Cursor(rows[limit - 1]))
            : new HistoryPage(rows, null);
    }

    /// <summary>All of the time kept, newest first, at most so many.</summary>
    public IReadOnlyList<HistoryEntry> Newest(int count) =>
        Use(db => db.Query($"select {Columns} from operations order by started desc, id desc limit ?", [count], Read)) ?? [];

    public void Dispose()
    {
        lock (gate)
        {
            database?.Dispose();
            database = null;
            isBroken = true;
        }
    }

    private static (string Where, List<object?> Values) Conditions(HistoryFilter filter)
    {
        var (conditions, values) = (new List<string>(), new List<object?>());
        void Need(string condition, object? value)
        {
            if (value is not null)
            {
                conditions.Add(condition);
                values.Add(value);
            }
        }

        Need("kind = ?", filter.Kind?.ToString());
        Need("outcome = ?", filter.Outcome?.ToString());
        Need("cause = ?", filter.Trigger?.ToString());
        Need("backup = ?", filter.BackupName);
        Need("started >= ?", filter.From?.ToUnixTimeMilliseconds());
        Need("started < ?", filter.To?.ToUnixTimeMilliseconds());
        if (filter.Before is { } before)
        {
            var parts = before.Split('.', 2);
            if (parts.Length != 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var started))
            {
                throw new BackupException(Fault.InvalidRequest, "The value of before is none that a page gave.", "Send back the next of the page before, unchanged.");
            }

            conditions.Add("(started, id) < (?, ?)");
            values.AddRange([started, parts[1]]);
        }

        return (conditions.Count == 0 ? "" : " where " + string.Join(" and ", conditions), values);
    }

    private static string Cursor(HistoryEntry entry) => string.Create(CultureInfo.InvariantCulture, $"{entry.Operation.StartedAt.ToUnixTimeMilliseconds()}.{entry.Operation.Id}");

    private static HistoryEntry Read(HistoryRow row) => new(
        new OperationRecord
        {
            Id = row.Text(0) ?? "",
            Kind = Word<OperationKind>(row.Text(1)) ?? OperationKind.Backup,
            Trigger = Word<Trigger>(row.Text(2)) ?? Trigger.Manual,
            State = OperationState.Ended,
            StartedAt = row.Instant(3) ?? default,
            EndedAt = row.Instant(4),
            Outcome = Word<Outcome>(row.Text(5)),
            Fault = Word<Fault>(row.Text(6)),
            Message = row.Text(7),
            Hint = row.Text(8),
            BackupName = row.Text(9),
            BytesRead = row.Number(10),
            BytesCompressed = row.Number(11),
            BytesCarriedOver = row.Number(12),
            Confirmed = row.Number(13) != 0,
        },
        row.Number(14),
        row.Number(15));

    private static T? Word<T>(string? text)
        where T : struct, Enum => Enum.TryParse<T>(text, out var value) ? value : null;

    /// <summary>Runs on the open database; one that fails is put away once and made anew, and given up for this process when that fails too.</summary>
    private T? Use<T>(Func<HistoryDatabase, T> work)
    {
        lock (gate)
        {
            for (var attempt = 0; attempt < 2 && !isBroken; attempt++)
            {
                try
                {
                    return work(database ??= Open());
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException or InvalidOperationException)
                {
                    LogPutAway(log, path, e.Message);
                    PutAway();
                    isBroken = attempt > 0;
                }
            }

            return default;
        }
    }

    private HistoryDatabase Open()
    {
        loadLibrary();
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var opened = HistoryDatabase.Open(path);
        try
        {
            opened.Execute("pragma busy_timeout = 1000");
            opened.Execute("pragma journal_mode = wal");
            opened.Execute("pragma synchronous = normal");
            var version = opened.Query("pragma user_version", [], row => row.Number(0))[0];
            if (version != 0 && version != SchemaVersion)
            {
                throw new IOException($"it has version {version.ToString(CultureInfo.InvariantCulture)}");
            }

            opened.Execute($"create table if not exists operations({Columns.Replace("id,", "id text primary key,", StringComparison.Ordinal)})");
            opened.Execute("create index if not exists by_start on operations(started, id)");
            opened.Execute($"pragma user_version = {SchemaVersion.ToString(CultureInfo.InvariantCulture)}");
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private void PutAway()
    {
        database?.Dispose();
        database = null;
        foreach (var suffix in new[] { "", "-wal", "-shm" })
        {
            AtomicFile.Discard(path + suffix);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "History {Path} cannot be used and is begun anew: {Reason}")]
    private static partial void LogPutAway(ILogger logger, string path, string reason);
}
