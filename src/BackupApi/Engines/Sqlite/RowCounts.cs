using BackupApi.Files;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Counts the rows of each table of one file that nobody changes, beside whatever else is checked of it: both read the whole file, and neither needs the other. What it does not manage is left to the check's own connection, which may know more (a collation) and tells why.</summary>
internal sealed class RowCounts : IDisposable
{
    /// <summary>Tables counted at most; a schema can be hostile too.</summary>
    public const int MostTables = 10_000;

    /// <summary>How often a cancelled count is interrupted until it ends.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(50);

    private readonly SqliteDatabase copy;
    private readonly SortedDictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly Thread counting;
    private readonly CancellationTokenSource stop;

    /// <exception cref="SqliteFailure">It cannot be opened.</exception>
    public RowCounts(string path, long heapBytes, CancellationToken ct)
    {
        copy = SqliteDatabase.Open(path, Access.Copy);
        stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        counting = new Thread(() => Count(heapBytes)) { IsBackground = true, Name = "row counts" };
        counting.Start();
    }

    /// <summary>The tables of a connection, in order.</summary>
    public static List<string> TablesOf(SqliteDatabase database) => database.Column(
        "SELECT name FROM sqlite_master WHERE type='table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND length(name) <= 1000 ORDER BY name",
        MostTables);

    /// <summary>Not by an index: a damaged one would count wrongly, and a missing row is already told.</summary>
    public static long Of(SqliteDatabase database, string table) => database.Number($"SELECT count(*) FROM \"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\" NOT INDEXED");

    /// <summary>Waits for the end, and ends early when the check is cancelled. What is not among them could not be counted here.</summary>
    public SortedDictionary<string, long> End()
    {
        Join();
        return counts;
    }

    /// <summary>Waits for the end: nothing may go on in a connection that is closed.</summary>
    public void Dispose()
    {
        stop.Cancel();
        Join();
        copy.Dispose();
        stop.Dispose();
    }

    private void Join()
    {
        while (!counting.Join(Beat))
        {
            // Again and again: between two statements nothing is interrupted, and counting a table looks at no other sign.
            if (stop.IsCancellationRequested)
            {
                raw.sqlite3_interrupt(copy.Handle);
            }
        }
    }

    private void Count(long heapBytes)
    {
        try
        {
            Posix.YieldToOthers();
            HostileInput.Restrict(copy, heapBytes);
            foreach (var table in TablesOf(copy))
            {
                if (stop.IsCancellationRequested)
                {
                    return;
                }

                counts[table] = Of(copy, table);
            }
        }
        catch (Exception)
        {
            // Whoever checks counts the rest, and meets the same. Nothing may leave a thread of its own: it would end the process.
        }
    }
}
