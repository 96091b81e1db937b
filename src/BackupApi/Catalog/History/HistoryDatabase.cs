using SQLitePCL;

namespace BackupApi.Catalog.History;

/// <summary>One connection to our own small database, with parameters. Not for two threads at once.</summary>
internal sealed class HistoryDatabase : IDisposable
{
    private readonly sqlite3 handle;

    private HistoryDatabase(sqlite3 handle) => this.handle = handle;

    /// <exception cref="IOException">It cannot be opened or made.</exception>
    public static HistoryDatabase Open(string path)
    {
        var result = raw.sqlite3_open_v2(path, out var handle, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX, null);
        var database = new HistoryDatabase(handle);
        if (result == raw.SQLITE_OK)
        {
            return database;
        }

        var failure = database.Failure();
        database.Dispose();
        throw failure;
    }

    public void Execute(string sql, params ReadOnlySpan<object?> parameters) => Query(sql, parameters, static _ => 0);

    /// <summary>Runs one statement with <c>?</c> for each parameter, in order, and reads each row.</summary>
    /// <exception cref="IOException">It failed; the message is SQLite's own.</exception>
    public List<T> Query<T>(string sql, ReadOnlySpan<object?> parameters, Func<HistoryRow, T> read)
    {
        var rows = new List<T>();
        if (raw.sqlite3_prepare_v2(handle, sql, out var statement) != raw.SQLITE_OK)
        {
            throw Failure();
        }

        try
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                Bind(statement, i + 1, parameters[i]);
            }

            int result;
            while ((result = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                rows.Add(read(new HistoryRow(statement)));
            }

            return result == raw.SQLITE_DONE ? rows : throw Failure();
        }
        finally
        {
            raw.sqlite3_finalize(statement);
        }
    }

    public void Dispose() => raw.sqlite3_close_v2(handle);

    private static void Bind(sqlite3_stmt statement, int index, object? value)
    {
        _ = value switch
        {
            null => raw.sqlite3_bind_null(statement, index),
            string text => raw.sqlite3_bind_text(statement, index, text),
            bool flag => raw.sqlite3_bind_int64(statement, index, flag ? 1 : 0),
            _ => raw.sqlite3_bind_int64(statement, index, Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture)),
        };
    }

    private IOException Failure() => new($"SQLite: {raw.sqlite3_errmsg(handle).utf8_to_string()}");
}

/// <summary>The current row; valid only inside the function that was given it.</summary>
internal readonly struct HistoryRow(sqlite3_stmt statement)
{
    public string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(statement, column).utf8_to_string();

    public long Number(int column) => raw.sqlite3_column_int64(statement, column);

    public DateTimeOffset? Instant(int column) => IsNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(Number(column));

    private bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;
}
