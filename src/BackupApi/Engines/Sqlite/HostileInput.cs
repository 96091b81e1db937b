using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>What a connection to bytes of unknown origin must not be allowed (sqlite.org/security.html).</summary>
internal static class HostileInput
{
    private const int ConfigDefensive = 1010;     // SQLITE_DBCONFIG_DEFENSIVE
    private const int ConfigEnableTrigger = 1003; // SQLITE_DBCONFIG_ENABLE_TRIGGER
    private const int ConfigEnableView = 1015;    // SQLITE_DBCONFIG_ENABLE_VIEW
    private const int ConfigTrustedSchema = 1017; // SQLITE_DBCONFIG_TRUSTED_SCHEMA

    private const int LongestSql = 16 << 20;
    private const int LongestPattern = 1000;
    private const int CacheKibibytes = 8 << 10;

    /// <summary>Nothing of the schema runs but what a check must evaluate; no extension, no other file, bounded memory, no temporary files.</summary>
    public static void Restrict(SqliteDatabase database, long heapBytes)
    {
        // For the whole process, and the same each time: SQLite has no bound for one connection.
        raw.sqlite3_hard_heap_limit64(heapBytes);
        var handle = database.Handle;
        raw.sqlite3_db_config(handle, ConfigDefensive, 1, out _);
        raw.sqlite3_db_config(handle, ConfigTrustedSchema, 0, out _);
        raw.sqlite3_db_config(handle, ConfigEnableTrigger, 0, out _);
        raw.sqlite3_db_config(handle, ConfigEnableView, 0, out _);
        raw.sqlite3_enable_load_extension(handle, 0);
        raw.sqlite3_limit(handle, raw.SQLITE_LIMIT_SQL_LENGTH, LongestSql);
        raw.sqlite3_limit(handle, raw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LongestPattern);
        raw.sqlite3_limit(handle, raw.SQLITE_LIMIT_ATTACHED, 0);
        database.Execute("PRAGMA mmap_size=0");
        database.Execute("PRAGMA temp_store=MEMORY");
        database.Execute(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA cache_size=-{CacheKibibytes}"));
        database.Execute("PRAGMA cell_size_check=ON");
    }
}
