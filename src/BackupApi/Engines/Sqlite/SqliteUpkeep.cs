using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Checkpoint, ANALYZE and VACUUM of an owner's database: the one place where this service writes to what is not its own.</summary>
/// <remarks>
/// Everything happens on one connection that holds SQLite's exclusive lock from its first read to its last write (<c>locking_mode=EXCLUSIVE</c>): nobody reads, writes or checkpoints
/// meanwhile, so neither the WAL-reset defect of libraries before 3.51.3 (sqlite.org/wal.html, 11) nor a half-seen state can occur. Whoever opens the database then is told SQLITE_BUSY, as by any other writer.
/// A kill at any moment leaves SQLite's own journal or write-ahead log, from which the next opener, or the next capture of ours, gets the state before or after
/// (sqlite.org/atomiccommit.html). POSIX locks belong to the process: nothing else here may open and close the database's file until this has ended (sqlite.org/howtocorrupt.html, 2.2).
/// </remarks>
internal sealed class SqliteUpkeep : IDisposable
{
    private readonly string path;
    private readonly SqliteDatabase database;

    private SqliteUpkeep(string path)
    {
        this.path = path;
        database = SqliteDatabase.Open(path, Access.Staging);
    }

    /// <param name="temporary">A folder of ours that takes VACUUM's copy; the system's temporary folder may be small.</param>
    /// <param name="enter">Told of each phase.</param>
    /// <param name="ct">What was not committed then is rolled back.</param>
    /// <exception cref="BackupException"><see cref="Fault.StorageInUse"/>: somebody holds it, and nothing was done. <see cref="Fault.VerificationFailed"/>: it did not stand its check, before (nothing was done) or after.</exception>
    public static (UpkeepFigures Before, UpkeepFigures After) Run(string path, bool vacuum, bool analyze, string temporary, Action<string> enter, CancellationToken ct)
    {
        try
        {
            using var upkeep = new SqliteUpkeep(path);
            using var interrupt = ct.Register(() => raw.sqlite3_interrupt(upkeep.database.Handle));
            return upkeep.Do(vacuum, analyze, temporary, enter);
        }
        catch (SqliteFailure e)
        {
            ct.ThrowIfCancellationRequested();
            throw AsFault(e);
        }
    }

    public void Dispose() => database.Dispose();

    private (UpkeepFigures Before, UpkeepFigures After) Do(bool vacuum, bool analyze, string temporary, Action<string> enter)
    {
        enter("checkpoint");
        Lock();
        var before = Measure();
        Checkpoint();
        var counts = Check("before");
        if (analyze)
        {
            enter("analyze");
            database.Execute("ANALYZE");
        }

        if (vacuum)
        {
            enter("vacuum");
            Vacuum(temporary);
        }

        enter("check");
        Checkpoint();
        var after = Check("after");
        return counts.Count == after.Count && !counts.Except(after).Any()
            ? (before, Measure())
            : throw new BackupException(Fault.VerificationFailed, "The tables do not hold as many rows as before the upkeep.", "Stop the application and restore the database from the backup that was taken before it.");
    }

    /// <summary>Exclusive before the first read: the WAL's index then lives in memory, and others are kept out until the connection closes (sqlite.org/wal.html, 8).</summary>
    private void Lock()
    {
        database.Execute("PRAGMA locking_mode=EXCLUSIVE");
        database.Execute("BEGIN EXCLUSIVE");
        database.Execute("COMMIT");
    }

    /// <summary>Brings the write-ahead log in; does nothing where there is none.</summary>
    private void Checkpoint()
    {
        if (database.Number("PRAGMA wal_checkpoint(TRUNCATE)") != 0)
        {
            throw new SqliteFailure(raw.SQLITE_BUSY, "the write-ahead log could not be brought in");
        }
    }

    private void Vacuum(string temporary)
    {
        // Deprecated, and still the only way to say so for one process (sqlite.org/pragma.html#pragma_temp_store_directory).
        database.Execute($"PRAGMA temp_store_directory={Quote(temporary, '\'')}");
        try
        {
            database.Execute("VACUUM");
        }
        finally
        {
            database.Execute("PRAGMA temp_store_directory=''");
        }
    }

    /// <summary>Structure, and the rows of each table.</summary>
    private Dictionary<string, long> Check(string when)
    {
        var problem = database.Column("PRAGMA integrity_check(1)", limit: 1).FirstOrDefault() ?? "no answer";
        if (problem != "ok")
        {
            throw new BackupException(
                Fault.VerificationFailed,
                $"The database did not stand its check {when} the upkeep: {problem}",
                when == "before" ? "Nothing was done. Restore it from its last good backup, or repair it." : "Stop the application and restore it from the backup that was taken before the upkeep.");
        }

        // Virtual tables have no root page, and their modules need not be known here. ANALYZE makes tables of its own.
        return database.Column("SELECT name FROM sqlite_schema WHERE type='table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
            .ToDictionary(name => name, name => database.Number($"SELECT count(*) FROM {Quote(name, '"')}"), StringComparer.Ordinal);
    }

    private UpkeepFigures Measure() => new(SizeOf(path), SizeOf(path + SideFiles.Wal), database.Number("PRAGMA page_count"), database.Number("PRAGMA freelist_count"));

    private static long SizeOf(string file) => Posix.FindStat(file)?.Size ?? 0;

    private static string Quote(string text, char quote) => quote + text.Replace($"{quote}", $"{quote}{quote}", StringComparison.Ordinal) + quote;

    private static BackupException AsFault(SqliteFailure e)
    {
        var message = string.Create(CultureInfo.InvariantCulture, $"SQLite could not do the upkeep: {e.Message} (code {e.ExtendedCode}).");
        return e switch
        {
            { IsBusy: true } => new BackupException(Fault.StorageInUse, "A process holds the database.", "Upkeep needs it alone: choose a time at which the application is stopped.", e),
            { Code: raw.SQLITE_FULL } => new BackupException(Fault.NoRoom, message, "VACUUM needs room for a second copy beside the database, and for a third in the backups folder. Nothing was changed.", e),
            { Code: raw.SQLITE_IOERR or raw.SQLITE_CANTOPEN } => new BackupException(Fault.DiskError, message, "Look at the disk that holds storage, and at the rights of its folder.", e),
            { Code: raw.SQLITE_READONLY or raw.SQLITE_PERM } => new BackupException(Fault.PermissionDenied, message, "Mount storage writable, and run this service as the owner of the database.", e),
            _ => new BackupException(Fault.VerificationFailed, message, "What was not committed was rolled back. Look at the database with the sqlite3 program.", e),
        };
    }
}
