using BackupApi.Files;
using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Copies a live database page by page through SQLite's backup interface (sqlite.org/backup.html), under one read transaction.</summary>
/// <remarks>
/// In WAL mode that transaction holds nobody off. In rollback mode it holds writers off from its start to its end; where the owner writes
/// seldom the copy is therefore taken in batches without it, and begins anew when somebody wrote, a bounded number of times.
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
    /// <exception cref="SqliteFailure">Busy, damaged or not readable this way. The staged file is worthless then.</exception>
    public async Task RunAsync(FileStat before, CancellationToken ct)
    {
        using var target = SqliteDatabase.Open(staged, Access.Staging);
        target.Execute("PRAGMA journal_mode=OFF");
        target.Execute("PRAGMA synchronous=OFF");
        using var source = SqliteDatabase.Open(live, Access.Live);
        source.Execute("PRAGMA mmap_size=0");

        var (pageSize, isWal) = Begin(source);
        var writesSeldom = time.GetUtcNow() - before.Modified.ToDateTimeOffset() > settings.SeldomWrites;
        if (!isWal && writesSeldom)
        {
            source.Execute("COMMIT");
            if (await CopyInBatchesAsync(source, target, Math.Max(1, settings.BatchBytes / pageSize), ct))
            {
                return;
            }

            Begin(source);
        }

        CopyAtOnce(source, target, isWal, SliceBytes / pageSize, ct);
        source.Execute("COMMIT");
    }

    /// <summary>Opens a read transaction that sees one committed state.</summary>
    private (int PageSize, bool IsWal) Begin(SqliteDatabase source)
    {
        source.Execute("BEGIN");
        _ = source.Number("PRAGMA schema_version");
        CapturedAt = time.GetUtcNow();
        var isWal = source.Column("PRAGMA journal_mode").FirstOrDefault() == "wal";
        return ((int)source.Number("PRAGMA page_size"), isWal);
    }

    private void CopyAtOnce(SqliteDatabase source, SqliteDatabase target, bool isWal, int pages, CancellationToken ct)
    {
        // The lock is held now: whatever differs afterwards was written in spite of it.
        var held = Posix.FindStat(live)?.Fingerprint;
        var start = time.GetTimestamp();
        using var backup = new Copying(source, target);
        while (!backup.Step(pages))
        {
            ct.ThrowIfCancellationRequested();
        }

        OwnerHeld = isWal ? TimeSpan.Zero : time.GetElapsedTime(start);
        if (!isWal && Posix.FindStat(live)?.Fingerprint != held)
        {
            throw new SqliteFailure(raw.SQLITE_PROTOCOL, "the file changed although it was locked, so locks do not work here or were lost");
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
