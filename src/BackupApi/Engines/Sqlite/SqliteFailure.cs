using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>A call of the SQLite library that did not succeed; never leaves this engine.</summary>
internal sealed class SqliteFailure(int extendedCode, string message) : Exception(message)
{
    /// <summary>Primary result code (sqlite.org/rescode.html).</summary>
    public int Code => ExtendedCode & 0xFF;

    public int ExtendedCode { get; } = extendedCode;

    /// <summary>Somebody holds the database now; later it may be free.</summary>
    public bool IsBusy => Code is raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_PROTOCOL;

    /// <summary>The bytes are at fault.</summary>
    public bool IsDamage => Code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>The disk is at fault, nothing that the bytes are to blame for.</summary>
    public bool IsOfTheDisk => Code is raw.SQLITE_IOERR or raw.SQLITE_FULL;

    /// <summary>As it is told outside.</summary>
    /// <param name="what">Begins the sentence: <c>shop.db could not be verified</c>.</param>
    public BackupException ToFault(string what) => Code == raw.SQLITE_FULL
        ? new BackupException(Fault.NoRoom, $"{what}: {Message}.", "Free some room on that disk, then ask again. Nothing was changed.", this)
        : new BackupException(Fault.DiskError, $"{what}: {Message}.", "Check the disk and its mount; the kernel's log tells more.", this);
}
