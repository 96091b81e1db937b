using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>What a look for the first row from a rowid on met.</summary>
internal enum RowReach
{
    Row,
    End,
    Broken,
}

/// <summary>The columns of a table that hold data, and how to name its rowid.</summary>
/// <param name="RowId">A name that is no column's; null for a table without rowids.</param>
/// <param name="HasAlias">The rowid is a column too (INTEGER PRIMARY KEY), so it need not be copied by itself.</param>
/// <param name="Key">The primary key, for a table without rowids.</param>
internal sealed record TableColumns(IReadOnlyList<string> Names, string? RowId, bool HasAlias, IReadOnlyList<string> Key)
{
    public static TableColumns Of(SqliteDatabase database, string table)
    {
        var names = new List<string>();
        var key = new List<(long Order, string Name, string Type)>();
        database.Run($"PRAGMA table_xinfo({Quote(table)})", row =>
        {
            if (row.Number(6) == 0)
            {
                names.Add(row.Text(1));
                if (row.Number(5) > 0)
                {
                    key.Add((row.Number(5), row.Text(1), row.Text(2)));
                }
            }

            return true;
        });
        var rowId = Array.Find(["rowid", "_rowid_", "oid"], name => !names.Contains(name, StringComparer.OrdinalIgnoreCase));
        if (rowId is not null)
        {
            try
            {
                _ = database.Number($"SELECT {rowId} FROM {Quote(table)} LIMIT 0");
            }
            catch (SqliteFailure)
            {
                rowId = null;
            }
        }

        var hasAlias = key is [(_, _, var type)] && type.Equals("INTEGER", StringComparison.OrdinalIgnoreCase);
        return new TableColumns(names, rowId, hasAlias, [.. key.OrderBy(part => part.Order).Select(part => part.Name)]);
    }

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>Copies rows of one table from a damaged database into a new one, as far as each reading goes.</summary>
internal sealed class RowCopy : IDisposable
{
    private const int RowsBetweenLooks = 1000;

    private readonly SqliteDatabase from;
    private readonly SqliteDatabase to;
    private readonly TableColumns columns;
    private readonly sqlite3_stmt insert;
    private readonly string table;
    private readonly string list;

    public RowCopy(SqliteDatabase from, SqliteDatabase to, string name, TableColumns columns)
    {
        (this.from, this.to, this.columns) = (from, to, columns);
        table = TableColumns.Quote(name);
        list = string.Join(',', columns.Names.Select(TableColumns.Quote));
        var targets = columns.RowId is null || columns.HasAlias ? list : $"{columns.RowId},{list}";
        var places = string.Join(',', Enumerable.Repeat("?", columns.Names.Count + (columns.RowId is null || columns.HasAlias ? 0 : 1)));
        insert = Prepare(to, $"INSERT OR IGNORE INTO {table}({targets}) VALUES({places})");
    }

    public long Copied { get; private set; }

    /// <summary>Rows that were read and that the new table did not take.</summary>
    public long Refused { get; private set; }

    /// <summary>Copies the rows from a rowid on, until the end or until reading breaks.</summary>
    public (bool IsWhole, long? Last) CopyFrom(long rowId, CancellationToken ct)
    {
        long? last = null;
        var select = Prepare(from, $"SELECT {columns.RowId},{list} FROM {table} NOT INDEXED WHERE {columns.RowId}>=?1 ORDER BY {columns.RowId}");
        try
        {
            raw.sqlite3_bind_int64(select, 1, rowId);
            var isWhole = Step(select, firstColumn: columns.HasAlias ? 1 : 0, countsRefused: true, () => last = raw.sqlite3_column_int64(select, 0), ct);
            return (isWhole, last);
        }
        finally
        {
            raw.sqlite3_finalize(select);
        }
    }

    /// <summary>Copies all rows in the order of the key, until the end or until reading breaks. What was copied before is passed over.</summary>
    public bool CopyAll(bool isDescending, CancellationToken ct)
    {
        var order = columns.Key.Count == 0 ? "" : $" ORDER BY {string.Join(',', columns.Key.Select(part => TableColumns.Quote(part) + (isDescending ? " DESC" : "")))}";
        var select = Prepare(from, $"SELECT {list} FROM {table} NOT INDEXED{order}");
        try
        {
            return Step(select, 0, countsRefused: !isDescending, static () => { }, ct);
        }
        finally
        {
            raw.sqlite3_finalize(select);
        }
    }

    public RowReach Reach(long rowId)
    {
        var select = Prepare(from, $"SELECT {columns.RowId} FROM {table} NOT INDEXED WHERE {columns.RowId}>=?1 ORDER BY {columns.RowId} LIMIT 1");
        try
        {
            raw.sqlite3_bind_int64(select, 1, rowId);
            return raw.sqlite3_step(select) switch
            {
                raw.SQLITE_ROW => RowReach.Row,
                raw.SQLITE_DONE => RowReach.End,
                _ => RowReach.Broken,
            };
        }
        finally
        {
            raw.sqlite3_finalize(select);
        }
    }

    public void Dispose() => raw.sqlite3_finalize(insert);

    private bool Step(sqlite3_stmt select, int firstColumn, bool countsRefused, Action seen, CancellationToken ct)
    {
        int result;
        var rows = 0L;
        while ((result = raw.sqlite3_step(select)) == raw.SQLITE_ROW)
        {
            if (++rows % RowsBetweenLooks == 0)
            {
                ct.ThrowIfCancellationRequested();
            }

            if (!Insert(select, firstColumn, countsRefused))
            {
                // A row whose overflow pages do not stand is read as far as its columns go: it is no row.
                return false;
            }

            seen();
        }

        ct.ThrowIfCancellationRequested();
        return (result & 0xFF) switch
        {
            raw.SQLITE_DONE => true,
            raw.SQLITE_CORRUPT or raw.SQLITE_IOERR or raw.SQLITE_NOTADB => false,
            _ => throw from.Failure(result),
        };
    }

    private bool Insert(sqlite3_stmt row, int firstColumn, bool countsRefused)
    {
        var count = raw.sqlite3_column_count(row);
        for (var i = firstColumn; i < count; i++)
        {
            Bind(row, i, i - firstColumn + 1);
        }

        if ((raw.sqlite3_errcode(from.Handle) & 0xFF) is raw.SQLITE_CORRUPT)
        {
            raw.sqlite3_reset(insert);
            return false;
        }

        var result = raw.sqlite3_step(insert);
        raw.sqlite3_reset(insert);
        var isTaken = result == raw.SQLITE_DONE && raw.sqlite3_changes(to.Handle) > 0;
        if (result is not raw.SQLITE_DONE && (result & 0xFF) is not raw.SQLITE_CONSTRAINT)
        {
            throw to.Failure(result);
        }

        Copied += isTaken ? 1 : 0;
        Refused += isTaken || !countsRefused ? 0 : 1;
        return true;
    }

    private void Bind(sqlite3_stmt row, int column, int place)
    {
        switch (raw.sqlite3_column_type(row, column))
        {
            case raw.SQLITE_INTEGER:
                raw.sqlite3_bind_int64(insert, place, raw.sqlite3_column_int64(row, column));
                break;
            case raw.SQLITE_FLOAT:
                raw.sqlite3_bind_double(insert, place, raw.sqlite3_column_double(row, column));
                break;
            case raw.SQLITE_TEXT:
                raw.sqlite3_bind_text(insert, place, raw.sqlite3_column_text(row, column));
                break;
            case raw.SQLITE_BLOB:
                var blob = raw.sqlite3_column_blob(row, column);
                _ = blob.IsEmpty ? raw.sqlite3_bind_zeroblob(insert, place, 0) : raw.sqlite3_bind_blob(insert, place, blob);
                break;
            default:
                raw.sqlite3_bind_null(insert, place);
                break;
        }
    }

    private static sqlite3_stmt Prepare(SqliteDatabase database, string sql)
    {
        var result = raw.sqlite3_prepare_v2(database.Handle, sql, out var statement);
        return result == raw.SQLITE_OK ? statement : throw database.Failure(result);
    }
}
