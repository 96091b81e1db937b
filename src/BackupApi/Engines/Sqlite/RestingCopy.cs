using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.Sqlite;

/// <summary>Copies a database in rollback mode that nobody writes to: inside the kernel and without a lock, and then asks, under SQLite's read lock, whether anybody did.</summary>
/// <remarks>
/// A transaction writes the file through the kernel, which sets its times, and counts itself in the header (sqlite.org/fileformat2.html, 1.3.7); under the read lock none is under way
/// (sqlite.org/lockingv3.html, 3), and a hot journal is refused. Both must say that nothing happened: the times tell what the counter does not (a file replaced, a tool that patches),
/// the counter what the times do not (a library built to write through a mapping).
/// </remarks>
internal sealed class RestingCopy(string live, string staged, TimeProvider time)
{
    public DateTimeOffset CapturedAt { get; private set; }

    /// <summary>How long writers were held off.</summary>
    public TimeSpan OwnerHeld { get; private set; }

    /// <param name="before">Facts of the live file, taken before.</param>
    /// <returns>False when it does not rest, or lies where times do not tell; the staged file, if there is one, is worthless then.</returns>
    /// <exception cref="SqliteFailure">Damaged or not readable this way. The staged file is worthless then.</exception>
    public async Task<bool> RunAsync(FileStat before, CancellationToken ct)
    {
        if (before.Changed.ToDateTimeOffset() > time.GetUtcNow() - StableCopy.Settling || !FingerprintTrust.IsOnLocalDisk(live))
        {
            return false;
        }

        // Closing any handle of the file drops SQLite's locks in this process (sqlite.org/howtocorrupt.html, 2.2): this one outlives the connection.
        using var file = Posix.OpenRead(live);
        if (Posix.Stat(file, live).Fingerprint != before.Fingerprint || QuietCopy.Copy(file, before.Size, staged, ct) != before.Size)
        {
            return false;
        }

        using var lockHolder = SqliteDatabase.Open(live, Access.Live);
        try
        {
            await LockedCopy.LockAsync(lockHolder, patience: TimeSpan.Zero, time, ct);
        }
        catch (SqliteFailure e) when (e.IsBusy)
        {
            return false;
        }

        var start = time.GetTimestamp();
        CapturedAt = time.GetUtcNow();
        using var copy = Posix.OpenRead(staged);
        var isSame = Posix.Stat(file, live).Fingerprint == before.Fingerprint && Posix.FindStat(live)?.Fingerprint == before.Fingerprint
            && SqliteHeader.ReadBytes(file).AsSpan().SequenceEqual(SqliteHeader.ReadBytes(copy));
        lockHolder.Execute("COMMIT");
        OwnerHeld = time.GetElapsedTime(start);
        return isSame;
    }
}
