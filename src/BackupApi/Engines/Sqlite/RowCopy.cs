using System.Globalization;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Copies rows of one table from a damaged database into a new one, as far as each reading goes.</summary>
internal sealed class RowCopy : IDisposable
{
    private const int RowsBetweenLooks = 1000;

    /// <summary>As it is read, in another encoding, bound, and as a record.</summary>
    private const int CopiesOfRow = 4;

    private readonly SqliteDatabase from;
    private readonly SqliteDatabase to;
    private readonly TableColumns columns;
    private readonly sqlite3_stmt insert;
    private readonly string table;
    private readonly string list;
    private readonly long mostRows, heapBytes;
    private bool isTaken;

    /// <param name="heapBytes">As in <see cref="SqliteSettings.HeapBytes"/>.</param>
    /// <param name="mostRows">More than the file can hold: pages that lead to one another in a circle give more.</param>
    public RowCopy(SqliteDatabase from, SqliteDatabase to, string name, TableColumns columns, long mostRows, long heapBytes)
    {
        (this.from, this.to, this.columns, this.mostRows, this.heapBytes) = (from, to, columns, mostRows, heapBytes);
        table = TableColumns.Quote(name);
        list = string.Join(',', columns.Names.Select(TableColumns.Quote));
        var targets = columns.RowId is null || columns.HasAlias ? list : $"{columns.RowId},{list}";
        var places = string.Join(',', Enumerable.Repeat("?", columns.Names.Count + (columns.RowId is null || columns.HasAlias ? 0 : 1)));
        insert = Prepare(to, $"INSERT OR IGNORE INTO {table}({targets}) VALUES({places})");
    }

    public long Copied { get; private set; }

    /// <summary>Why the last reading broke.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Rows that were read and that the new table did not take.</summary>
    public long Refused { get; private set; }

    /// <summary>Rows that stood before or behind where their rowid belongs.</summary>
    public long OutOfOrder { get; private set; }

    /// <summary>Copies the rows from a rowid on, until the end or until reading breaks. A row out of order is taken too, for its rowid alone may be altered; one that the new table has already ends the reading: pages that lead to one another in a circle would give rows without end.</summary>
    /// <returns>The last rowid of those in order, and the one before it.</returns>
    public (RowsEnd End, long? Last, long? Before) CopyFrom(long rowId, CancellationToken ct)
    {
        var order = new RowOrder(rowId);
        var end = RowsEnd.Broken;
        var select = Prepare(from, $"SELECT {columns.RowId},{list} FROM {table} NOT INDEXED WHERE {columns.RowId}>=?1 ORDER BY {columns.RowId}");
        try
        {
            raw.sqlite3_bind_int64(select, 1, rowId);
            var isWhole = Step(select, firstColumn: columns.HasAlias ? 1 : 0, countsRefused: true, goesOn: () =>
            {
                if (order.Next(raw.sqlite3_column_int64(select, 0)))
                {
                    return true;
                }

                OutOfOrder += isTaken ? 1 : 0;
                end = isTaken ? end : RowsEnd.Again;
                return isTaken;
            }, ct);
            return (isWhole ? RowsEnd.Whole : end, order.Last, order.Before);
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
            var left = mostRows;
            return Step(select, 0, countsRefused: !isDescending, goesOn: () => left-- > 0, ct);
        }
        finally
        {
            raw.sqlite3_finalize(select);
        }
    }

    /// <summary>Looks for the first row from a rowid on, without its content.</summary>
    public (RowReach Reached, long RowId) Reach(long rowId)
    {
        var select = Prepare(from, $"SELECT {columns.RowId} FROM {table} NOT INDEXED WHERE {columns.RowId}>=?1 ORDER BY {columns.RowId} LIMIT 1");
        try
        {
            raw.sqlite3_bind_int64(select, 1, rowId);
            return raw.sqlite3_step(select) switch
            {
                // In pages that lead to one another in a circle the next row may be one before.
                raw.SQLITE_ROW => raw.sqlite3_column_int64(select, 0) is var found && found >= rowId ? (RowReach.Row, found) : (RowReach.Broken, found),
                raw.SQLITE_DONE => (RowReach.End, rowId),
                _ => (RowReach.Broken, rowId),
            };
        }
        finally
        {
            raw.sqlite3_finalize(select);
        }
    }

    public void Dispose() => raw.sqlite3_finalize(insert);

    /// <param name="goesOn">Asked behind each row.</param>
    private bool Step(sqlite3_stmt select, int firstColumn, bool countsRefused, Func<bool> goesOn, CancellationToken ct)
    {
        int result;
        var rows = 0L;
        while ((result = raw.sqlite3_step(select)) == raw.SQLITE_ROW)
        {
            if (++rows % RowsBetweenLooks == 0)
            {
                ct.ThrowIfCancellationRequested();
            }

            if (!Insert(select, firstColumn))
            {
                // A row whose overflow pages do not stand is read as far as its columns go: it is no row.
                return false;
            }

            if (!goesOn())
            {
                Problem = "its pages lead to one another in a circle";
                return false;
            }

            Refused += isTaken || !countsRefused ? 0 : 1;
        }

        ct.ThrowIfCancellationRequested();
        return result == raw.SQLITE_DONE || Break(from, result, raw.SQLITE_CORRUPT, raw.SQLITE_IOERR, raw.SQLITE_NOTADB, raw.SQLITE_NOMEM, raw.SQLITE_TOOBIG);
    }

    /// <summary>Memory that runs out while the new database is written takes all of it back, so a row is measured before.</summary>
    private bool Fits(sqlite3_stmt row, int count)
    {
        var bytes = 0L;
        for (var i = 0; i < count; i++)
        {
            bytes += raw.sqlite3_column_type(row, i) is raw.SQLITE_TEXT or raw.SQLITE_BLOB ? raw.sqlite3_column_bytes(row, i) : 0;
        }

        if (bytes <= heapBytes / CopiesOfRow)
        {
            return true;
        }

        Problem = string.Create(CultureInfo.InvariantCulture, $"its {bytes} bytes need more than the {heapBytes >> 20} MiB of memory that the library may take");
        return false;
    }

    /// <summary>False, and why, when the failure is one of a single place; else it is thrown.</summary>
    private bool Break(SqliteDatabase at, int result, params ReadOnlySpan<int> ofOnePlace)
    {
        var failure = at.Failure(result);
        Problem = ofOnePlace.Contains(failure.Code) ? failure.Message : throw failure;
        return false;
    }

    private bool Insert(sqlite3_stmt row, int firstColumn)
    {
        var count = raw.sqlite3_column_count(row);
        if (!Fits(row, count))
        {
            return false;
        }

        var bound = raw.SQLITE_OK;
        for (var i = firstColumn; i < count && bound == raw.SQLITE_OK; i++)
        {
            bound = Bind(row, i, i - firstColumn + 1);
        }

        // A value that does not fit into memory reads as none: it must not stand for what was there.
        if ((raw.sqlite3_errcode(from.Handle) & 0xFF) is var read and (raw.SQLITE_CORRUPT or raw.SQLITE_NOMEM or raw.SQLITE_TOOBIG))
        {
            raw.sqlite3_reset(insert);
            return Break(from, read, read);
        }

        if (bound != raw.SQLITE_OK)
        {
            raw.sqlite3_reset(insert);
            return Break(to, bound, raw.SQLITE_NOMEM, raw.SQLITE_TOOBIG);
        }

        var result = raw.sqlite3_step(insert);
        raw.sqlite3_reset(insert);
        isTaken = result == raw.SQLITE_DONE && raw.sqlite3_changes(to.Handle) > 0;
        if (result is not raw.SQLITE_DONE && (result & 0xFF) is not raw.SQLITE_CONSTRAINT)
        {
            throw to.Failure(result);
        }

        Copied += isTaken ? 1 : 0;
        return true;
    }

    private int Bind(sqlite3_stmt row, int column, int place)
    {
        switch (raw.sqlite3_column_type(row, column))
        {
            case raw.SQLITE_INTEGER:
                return raw.sqlite3_bind_int64(insert, place, raw.sqlite3_column_int64(row, column));
            case raw.SQLITE_FLOAT:
                return raw.sqlite3_bind_double(insert, place, raw.sqlite3_column_double(row, column));
            case raw.SQLITE_TEXT:
                // Read as text, so that it is UTF-8; taken as bytes, for a text may hold a zero.
                _ = raw.sqlite3_column_text(row, column);
                var text = raw.sqlite3_column_blob(row, column);
                return text.IsEmpty ? raw.sqlite3_bind_text(insert, place, "") : raw.sqlite3_bind_text(insert, place, text);
            case raw.SQLITE_BLOB:
                var blob = raw.sqlite3_column_blob(row, column);
                return blob.IsEmpty ? raw.sqlite3_bind_zeroblob(insert, place, 0) : raw.sqlite3_bind_blob(insert, place, blob);
            default:
                return raw.sqlite3_bind_null(insert, place);
        }
    }

    private static sqlite3_stmt Prepare(SqliteDatabase database, string sql)
    {
        var result = raw.sqlite3_prepare_v2(database.Handle, sql, out var statement);
        return result == raw.SQLITE_OK ? statement : throw database.Failure(result);
    }
}
