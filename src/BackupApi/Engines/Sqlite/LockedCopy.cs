using System.Buffers;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.Sqlite;

/// <summary>Copies a database in rollback mode whose owner writes all the time: first without a lock, then, under a read lock, only what changed since.</summary>
/// <remarks>
/// While SQLite's read lock is held no writer may touch the file and its bytes are one committed state (sqlite.org/lockingv3.html, 3).
/// The first pass does the slow part, inside the kernel; under the lock two cached files are compared. That holds writers off
/// for a third of the time of a backup under one lock, and never for the disk that staging lies on.
/// </remarks>
internal sealed class LockedCopy(string live, string staged, SqliteSettings settings, TimeProvider time)
{
    private const int ChunkBytes = 1 << 20;

    private static readonly TimeSpan PauseForWriters = TimeSpan.FromMilliseconds(1);

    public DateTimeOffset CapturedAt { get; private set; }

    /// <summary>How long writers were held off.</summary>
    public TimeSpan OwnerHeld { get; private set; }

    /// <summary>Makes the staged file, which must not exist yet.</summary>
    /// <exception cref="SqliteFailure">Still busy after <see cref="SqliteSettings.BusyTimeout"/>, or not readable this way.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        // Closing any handle of the file drops SQLite's locks in this process (sqlite.org/howtocorrupt.html, 2.2): this one outlives the connection.
        using var file = Posix.OpenRead(live);
        QuietCopy.Copy(file, RandomAccess.GetLength(file), staged, ct);
        using var copy = Posix.Open(staged, OpenFlags.ReadWrite | OpenFlags.NoFollow);

        using var lockHolder = SqliteDatabase.Open(live, Access.Live);
        await LockAsync(lockHolder, settings.BusyTimeout, time, ct);
        var start = time.GetTimestamp();
        CapturedAt = time.GetUtcNow();
        var held = Posix.Stat(file, live).Fingerprint;
        if (Posix.FindStat(live)?.Fingerprint != held)
        {
            throw new SqliteFailure(SQLitePCL.raw.SQLITE_BUSY, "the file was replaced by another");
        }

        CopyDifferences(file, copy, ct);
        var isUnchanged = Posix.Stat(file, live).Fingerprint == held;
        lockHolder.Execute("COMMIT");
        OwnerHeld = time.GetElapsedTime(start);
        if (!isUnchanged)
        {
            throw new SqliteFailure(SQLitePCL.raw.SQLITE_PROTOCOL, "the file changed although it was locked, so locks do not work here or were lost");
        }
    }

    /// <summary>Takes SQLite's read lock on a database in rollback mode; a <c>COMMIT</c> releases it.</summary>
    /// <param name="patience">How long an owner that holds it is waited for; zero: asked once.</param>
    /// <exception cref="SqliteFailure">Busy all that time, or in WAL mode by now, or with a hot journal.</exception>
    internal static async Task LockAsync(SqliteDatabase lockHolder, TimeSpan patience, TimeProvider time, CancellationToken ct)
    {
        var deadline = time.GetUtcNow() + patience;
        lockHolder.Execute("PRAGMA mmap_size=0");
        lockHolder.Execute("BEGIN");
        while (true)
        {
            try
            {
                _ = lockHolder.Number("PRAGMA schema_version");
                break;
            }
            catch (SqliteFailure e) when (e.IsBusy && time.GetUtcNow() < deadline)
            {
                await Task.Delay(PauseForWriters, time, ct);
            }
        }

        if (lockHolder.Column("PRAGMA journal_mode").FirstOrDefault() == "wal")
        {
            throw new SqliteFailure(SQLitePCL.raw.SQLITE_BUSY, "its owner just changed to WAL mode");
        }
    }

    /// <summary>Makes the copy hold what the file holds; writes only what differs.</summary>
    private static void CopyDifferences(SafeFileHandle file, SafeFileHandle copy, CancellationToken ct)
    {
        var wanted = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        var present = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var copied = RandomAccess.GetLength(copy);
            long at = 0;
            while (RandomAccess.Read(file, wanted.AsSpan(0, ChunkBytes), at) is > 0 and var length)
            {
                ct.ThrowIfCancellationRequested();
                var isSame = at + length <= copied
                    && RandomAccess.Read(copy, present.AsSpan(0, length), at) == length
                    && present.AsSpan(0, length).SequenceEqual(wanted.AsSpan(0, length));
                if (!isSame)
                {
                    RandomAccess.Write(copy, wanted.AsSpan(0, length), at);
                }

                at += length;
            }

            if (at < copied)
            {
                RandomAccess.SetLength(copy, at);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(wanted);
            ArrayPool<byte>.Shared.Return(present);
        }
    }
}
