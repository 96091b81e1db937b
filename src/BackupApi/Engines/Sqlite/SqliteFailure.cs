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
}
