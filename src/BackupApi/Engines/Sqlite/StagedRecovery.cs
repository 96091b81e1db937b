using BackupApi.Files;

namespace BackupApi.Engines.Sqlite;

/// <summary>Does on a private copy what the owner would do at its next start: rolls back a hot journal, applies a WAL; one file remains.</summary>
internal static class StagedRecovery
{
    /// <summary>Recovers a copy in place, keeping its journal mode. Does nothing when there is nothing to recover.</summary>
    /// <param name="hasSuperJournal">Whether the super-journal of this name (an absolute path of the owner's) still exists.</param>
    /// <exception cref="SqliteFailure">The bytes do not allow it; the copy may be half recovered.</exception>
    public static void Recover(string database, Func<string, bool> hasSuperJournal)
    {
        var wal = database + SideFiles.Wal;
        var journal = database + SideFiles.Journal;
        var hasWal = Posix.FindStat(wal) is { Size: > 0 };
        var hasJournal = SideFiles.MayBeHot(journal) && IsWanted(journal, hasSuperJournal);
        if (hasWal || hasJournal)
        {
            // A WAL beside a database in rollback mode is applied by every engine that opens it, and leaves the header in the mode that WAL page 1 holds.
            Open(database, hasWal);
        }

        RemoveIfThere(journal);
        RemoveIfThere(wal);
        RemoveIfThere(database + SideFiles.Shm);
    }

    private static void Open(string database, bool hasWal)
    {
        using var copy = SqliteDatabase.Open(database, Access.Staging);
        copy.Execute("PRAGMA mmap_size=0");

        // Exclusive before the first read: the WAL's index then lives in memory, and no -shm appears (sqlite.org/wal.html, 8).
        copy.Execute("PRAGMA locking_mode=EXCLUSIVE");
        _ = copy.Number("PRAGMA schema_version");
        if (hasWal && copy.Number("PRAGMA wal_checkpoint(TRUNCATE)") != 0)
        {
            throw new SqliteFailure(SQLitePCL.raw.SQLITE_CORRUPT, "the WAL could not be applied to the copy");
        }
    }

    /// <summary>A journal that belonged to a commit over several databases counts only while its super-journal exists (sqlite.org/atomiccommit.html, 5).</summary>
    private static bool IsWanted(string journal, Func<string, bool> hasSuperJournal)
    {
        if (SideFiles.FindSuperJournal(journal, out var nameOffset) is not { } name)
        {
            return true;
        }

        if (!hasSuperJournal(name))
        {
            return false;
        }

        // Without the name SQLite rolls back unconditionally, as the owner would with the super-journal in place.
        using var file = Posix.Open(journal, OpenFlags.ReadWrite | OpenFlags.NoFollow);
        RandomAccess.SetLength(file, nameOffset);
        return true;
    }

    private static void RemoveIfThere(string path)
    {
        if (Posix.FindStat(path) is not null)
        {
            Posix.Unlink(path);
        }
    }
}
