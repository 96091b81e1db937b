namespace BackupApi.Files;

/// <summary>Whether a process has a LevelDB folder open. The file LOCK says nothing by existing: only the lock on it counts (util/env_posix.cc).</summary>
/// <remarks>Never remove a LOCK: its holder would keep a lock on a file without a name, and the next opener would get one of its own.</remarks>
internal static class LevelDbLock
{
    /// <summary>Asks for the fcntl lock of google/leveldb and classic-level, then for the flock of goleveldb.</summary>
    /// <param name="folder">Absolute path of the database's folder.</param>
    /// <returns><see cref="LockState.Free"/> when there is no LOCK; <see cref="LockState.Unknown"/> when it is no regular file or may not be read.</returns>
    public static LockState Probe(string folder)
    {
        var path = $"{folder}/LOCK";
        var byRange = LockProbe.Range(path);
        return byRange != LockState.Free ? byRange : LockProbe.Flock(path);
    }
}
