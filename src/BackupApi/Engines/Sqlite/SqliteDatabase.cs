using System.Text;
using BackupApi.Files;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>How a database is opened, and thereby what the library may do to its folder.</summary>
internal enum Access
{
    /// <summary>An owner's database: read-only, with SQLite's own locks, every call under <see cref="SourceGuard"/>.</summary>
    Live,

    /// <summary>A quiet copy of one file: no locks, no side files (<c>immutable=1</c>).</summary>
    Copy,

    /// <summary>A file of our own in staging that may be written.</summary>
    Staging,
}

/// <summary>One connection to one database, and the few calls this engine makes on it. Not for two threads at once.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly bool isLive;

    private SqliteDatabase(sqlite3 handle, bool isLive)
    {
        Handle = handle;
        this.isLive = isLive;
    }

    public sqlite3 Handle { get; }

    /// <exception cref="SqliteFailure">It cannot be opened this way.</exception>
    public static SqliteDatabase Open(string path, Access access)
    {
        SqliteLibrary.Use();
        var (query, flags) = access switch
        {
            Access.Live => ("?mode=ro", raw.SQLITE_OPEN_READONLY),
            Access.Copy => ("?mode=ro&immutable=1", raw.SQLITE_OPEN_READONLY),
            _ => ("?mode=rw", raw.SQLITE_OPEN_READWRITE),
        };
        using var scope = access == Access.Live ? SourceGuard.Enter() : (SourceGuard.Scope?)null;
        var result = raw.sqlite3_open_v2(ToUri(path) + query, out var handle, flags | raw.SQLITE_OPEN_URI | raw.SQLITE_OPEN_NOMUTEX, null);
        if (result != raw.SQLITE_OK)
        {
            var failure = new SqliteFailure(raw.sqlite3_extended_errcode(handle) is var code and not 0 ? code : result, raw.sqlite3_errmsg(handle).utf8_to_string());
            raw.sqlite3_close(handle);
            throw failure;
        }

        raw.sqlite3_extended_result_codes(handle, 1);
        return new SqliteDatabase(handle, access == Access.Live);
    }

    /// <summary>Runs one statement to its end and gives the first column of each row, at most <paramref name="limit"/> rows, as text.</summary>
    /// <exception cref="SqliteFailure">It failed at some row.</exception>
    public List<string> Column(string sql, int limit = int.MaxValue)
    {
        var values = new List<string>();
        Run(sql, row =>
        {
            values.Add(row.Text(0));
            return values.Count < limit;
        });
        return values;
    }

    /// <summary>The first column of the first row as a number; 0 when there is none.</summary>
    public long Number(string sql)
    {
        var value = 0L;
        Run(sql, row =>
        {
            value = row.Number(0);
            return false;
        });
        return value;
    }

    public void Execute(string sql) => Run(sql, _ => true);

    /// <summary>Runs one statement; <paramref name="onRow"/> says whether to go on.</summary>
    public void Run(string sql, Func<SqliteRow, bool> onRow)
    {
        using var scope = Guard();
        var result = raw.sqlite3_prepare_v2(Handle, sql, out var statement);
        if (result != raw.SQLITE_OK)
        {
            throw Failure(result);
        }

        try
        {
            while ((result = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                if (!onRow(new SqliteRow(statement)))
                {
                    return;
                }
            }

            if (result != raw.SQLITE_DONE)
            {
                throw Failure(result);
            }
        }
        finally
        {
            raw.sqlite3_finalize(statement);
        }
    }

    /// <summary>The failure that the last call on this connection ended with.</summary>
    public SqliteFailure Failure(int result) => new(result, raw.sqlite3_errmsg(Handle).utf8_to_string());

    public SourceGuard.Scope? Guard() => isLive ? SourceGuard.Enter() : null;

    public void Dispose()
    {
        using var scope = Guard();
        raw.sqlite3_close(Handle);
    }

    /// <summary>A <c>file:</c> URI; every byte that is not plain is escaped, so names that are not UTF-8 pass too.</summary>
    private static string ToUri(string path)
    {
        var uri = new StringBuilder("file:");
        foreach (var b in PathText.Encode(path))
        {
            _ = char.IsAsciiLetterOrDigit((char)b) || b is (byte)'/' or (byte)'.' or (byte)'_' or (byte)'-'
                ? uri.Append((char)b)
                : uri.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return uri.ToString();
    }
}

/// <summary>The current row of a statement; valid only inside the callback that gave it.</summary>
internal readonly struct SqliteRow(sqlite3_stmt statement)
{
    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string() ?? "";

    public long Number(int column) => raw.sqlite3_column_int64(statement, column);
}
