using BackupApi.Files;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Counts the rows of each table of one file that nobody changes, beside whatever else is checked of it: both read the whole file, and neither needs the other.</summary>
internal sealed class RowCounts : IDisposable
{
    /// <summary>Tables counted at most; a schema can be hostile too.</summary>
    public const int MostTables = 10_000;

    private readonly SqliteDatabase copy;
    private readonly SortedDictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly List<(string? Table, SqliteFailure Failure)> failures = [];
    private readonly Thread counting;
    private Exception? unexpected;

    /// <param name="stepsBetweenLooks">Virtual machine steps between two looks at the cancellation.</param>
    public RowCounts(string path, long heapBytes, int stepsBetweenLooks, CancellationToken ct)
    {
        copy = SqliteDatabase.Open(path, Access.Copy);
        counting = new Thread(() => Count(heapBytes, stepsBetweenLooks, ct)) { IsBackground = true, Name = "row counts" };
        counting.Start();
    }

    /// <summary>Waits for the end. Rows by table, and what could not be counted; a table of null: not even which tables there are.</summary>
    public (SortedDictionary<string, long> Counts, IReadOnlyList<(string? Table, SqliteFailure Failure)> Failures) End()
    {
        counting.Join();
        return unexpected is null ? (counts, failures) : throw new InvalidOperationException("The rows could not be counted.", unexpected);
    }

    /// <summary>Waits for the end: nothing may go on in a connection that is closed.</summary>
    public void Dispose()
    {
        raw.sqlite3_interrupt(copy.Handle);
        counting.Join();
        copy.Dispose();
    }

    private void Count(long heapBytes, int stepsBetweenLooks, CancellationToken ct)
    {
        string? table = null;
        try
        {
            Posix.YieldToOthers();
            raw.sqlite3_progress_handler(copy.Handle, stepsBetweenLooks, _ => ct.IsCancellationRequested ? 1 : 0, null);
            HostileInput.Restrict(copy, heapBytes);
            var tables = copy.Column(
                "SELECT name FROM sqlite_master WHERE type='table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND length(name) <= 1000 ORDER BY name",
                MostTables);
            foreach (var next in tables)
            {
                table = next;
                Count(next);
            }
        }
        catch (SqliteFailure e)
        {
            failures.Add((table, e));
        }
        catch (Exception e)
        {
            unexpected = e;
        }
    }

    /// <summary>Not by an index: a damaged one would count wrongly, and a missing row is already told.</summary>
    private void Count(string table)
    {
        try
        {
            counts[table] = copy.Number($"SELECT count(*) FROM \"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\" NOT INDEXED");
        }
        catch (SqliteFailure e) when (e.Code is not (raw.SQLITE_INTERRUPT or raw.SQLITE_NOMEM or raw.SQLITE_IOERR))
        {
            failures.Add((table, e));
        }
    }
}
