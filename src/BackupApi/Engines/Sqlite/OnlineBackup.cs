using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Copies a live database page by page through SQLite's backup interface (sqlite.org/backup.html).</summary>
/// <remarks>
/// In WAL mode that transaction holds nobody off. In rollback mode it would hold writers off from its start to its end; where the owner writes
/// seldom the copy is therefore taken in batches without it, and begins anew when somebody wrote, a bounded number of times. Else it is left to <see cref="LockedCopy"/>.
/// </remarks>
internal sealed class OnlineBackup(string live, string staged, SqliteSettings settings, TimeProvider time)
{
    /// <summary>Bytes copied between two looks at the cancellation, where stopping in between releases nothing.</summary>
    private const int SliceBytes = 16 << 20;

    private static readonly TimeSpan PauseForWriters = TimeSpan.FromMilliseconds(1);

    public DateTimeOffset CapturedAt { get; private set; }

    /// <summary>Longest time a writer could have been held off at a stretch.</summary>
    public TimeSpan OwnerHeld { get; private set; }

    /// <param name="before">Facts of the live file, taken before.</param>
    /// <returns>False when the owner is in rollback mode and writes too often for batches; the staged file is worthless then.</returns>
    /// <exception cref="SqliteFailure">Busy, damaged or not readable this way. The staged file is worthless then.</exception>
    public async Task<bool> RunAsync(FileStat before, CancellationToken ct)
    {
        using var source = SqliteDatabase.Open(live, Access.Live);
        source.Execute("PRAGMA mmap_size=0");
        source.Execute("BEGIN");
        _ = source.Number("PRAGMA schema_version");
        CapturedAt = time.GetUtcNow();
        var isWal = source.Column("PRAGMA journal_mode").FirstOrDefault() == "wal";
        var pageSize = (int)source.Number("PRAGMA page_size");
        if (!isWal)
        {
            source.Execute("COMMIT");
            if (CapturedAt - before.Modified.ToDateTimeOffset() < settings.SeldomWrites)
            {
                return false;
            }
        }

        using var target = SqliteDatabase.Open(staged, Access.Staging);
        target.Execute("PRAGMA journal_mode=OFF");
        target.Execute("PRAGMA synchronous=OFF");
        if (!isWal)
        {
            return await CopyInBatchesAsync(source, target, Math.Max(1, settings.BatchBytes / pageSize), ct);
        }

        CopySnapshot(source, target, SliceBytes / pageSize, ct);
        source.Execute("COMMIT");
        return true;
    }

    /// <summary>Copies what the open transaction sees, in slices only so that it can be cancelled.</summary>
    private static void CopySnapshot(SqliteDatabase source, SqliteDatabase target, int pages, CancellationToken ct)
    {
        using var backup = new Copying(source, target);
        while (!backup.Step(pages))
        {
            ct.ThrowIfCancellationRequested();
        }
    }

    /// <returns>False when writers made it begin anew too often.</returns>
    private async Task<bool> CopyInBatchesAsync(SqliteDatabase source, SqliteDatabase target, int pages, CancellationToken ct)
    {
        using var backup = new Copying(source, target);
        CapturedAt = time.GetUtcNow();
        var longest = TimeSpan.Zero;
        var restarts = 0;
        var lastRemaining = int.MaxValue;
        while (true)
        {
            var start = time.GetTimestamp();
            var isDone = backup.Step(pages);
            var took = time.GetElapsedTime(start);
            longest = took > longest ? took : longest;
            if (isDone)
            {
                OwnerHeld = longest;
                return true;
            }

            if (backup.Remaining >= lastRemaining)
            {
                CapturedAt = time.GetUtcNow();
                if (++restarts > settings.MaxRestarts)
                {
                    return false;
                }
            }

            lastRemaining = backup.Remaining;
            await Task.Delay(PauseForWriters, time, ct);
        }
    }

    /// <summary>One sqlite3_backup object.</summary>
    private sealed class Copying : IDisposable
    {
        private readonly SqliteDatabase source;
        private readonly SqliteDatabase target;
        private readonly sqlite3_backup backup;

        public Copying(SqliteDatabase source, SqliteDatabase target)
        {
            this.source = source;
            this.target = target;
            using var scope = source.Guard();
            backup = raw.sqlite3_backup_init(target.Handle, "main", source.Handle, "main");
            if (backup is null || backup.IsInvalid)
            {
                throw target.Failure(raw.sqlite3_extended_errcode(target.Handle));
            }
        }

        public int Remaining => raw.sqlite3_backup_remaining(backup);

        /// <returns>True when all pages are copied.</returns>
        public bool Step(int pages)
        {
            using var scope = source.Guard();
            var result = raw.sqlite3_backup_step(backup, Math.Max(1, pages));
            return result switch
            {
                raw.SQLITE_DONE => true,
                raw.SQLITE_OK => false,
                _ => throw new SqliteFailure(result, target.Failure(result).Message),
            };
        }

        public void Dispose()
        {
            using var scope = source.Guard();
            raw.sqlite3_backup_finish(backup);
        }
    }
}
