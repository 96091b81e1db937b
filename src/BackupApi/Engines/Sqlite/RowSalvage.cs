using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Copies every row that can still be reached from a damaged database into a new one of the same schema, table by table.</summary>
/// <remarks>
/// A table is walked by its rowids; where a page does not stand, the walk goes on at the next one that does. A table without rowids is walked from both ends.
/// Nothing of the damaged schema runs while rows are copied: triggers, views and indexes are made afterwards.
/// </remarks>
internal sealed class RowSalvage(string damagedPath, string newPath, string shown, SqliteSettings settings, TimeProvider time)
{
    private const int MostTables = 10_000;

    /// <summary>Characters of all statements of a schema.</summary>
    private const long MostSchemaText = 32 << 20;

    private const string Sequences = "sqlite_sequence";

    /// <summary>What SQLite has no smaller of: bytes of a page, and of a row with what leads to it.</summary>
    private const int SmallestPage = 512, SmallestCell = 4;

    private readonly RowWalk walk = new(time, settings.VerifyTimeLimit);
    private readonly List<Finding> lost = [];
    private long untold;
    private readonly SortedDictionary<string, long> counts = new(StringComparer.Ordinal);

    public IReadOnlyList<Finding> Lost => untold == 0 ? lost
        : [.. lost.Take(Verdict.MaxFindings - 1), new Finding(shown, string.Create(CultureInfo.InvariantCulture, $"There are {untold + lost.Count - Verdict.MaxFindings + 1} more findings of what was lost."))];

    /// <summary>Rows brought out of each table.</summary>
    public IReadOnlyDictionary<string, long> Counts => counts;

    /// <exception cref="SqliteFailure">The new database cannot be written: the disk, or memory.</exception>
    public void Run(CancellationToken ct)
    {
        using var from = SqliteDatabase.Open(damagedPath, Access.Copy);
        using var to = SqliteDatabase.Open(newPath, Access.Staging);
        HostileInput.Restrict(from, settings.HeapBytes);
        HostileInput.Restrict(to, settings.HeapBytes);
        using var interrupt = ct.Register(() =>
        {
            raw.sqlite3_interrupt(from.Handle);
            raw.sqlite3_interrupt(to.Handle);
        });
        using var pages = Posix.OpenRead(damagedPath);
        to.Execute("PRAGMA synchronous=OFF");
        to.Execute("PRAGMA journal_mode=OFF");
        to.Execute("PRAGMA foreign_keys=OFF");
        var schema = ReadSchema(from);
        CopySettings(from, to);
        to.Execute("BEGIN");
        foreach (var (_, name, sql, root) in schema.Where(entry => entry.Type == "table").OrderBy(entry => entry.Name.StartsWith("sqlite_", StringComparison.Ordinal)).Take(MostTables))
        {
            ct.ThrowIfCancellationRequested();
            if (IsOrdinary(name, sql) && (name == Sequences || Made(to, name, sql)))
            {
                CopyTable(from, to, name, new RowGap(pages, Math.Max(SmallestPage, (int)from.Number("PRAGMA page_size")), root), ct);
            }
        }

        to.Execute("COMMIT");

        // Each by itself and with a journal: one that cannot be made, for want of memory or because a key stands twice, must not take the rows along.
        to.Execute("PRAGMA journal_mode=DELETE");
        foreach (var (type, name, sql, _) in schema.Where(entry => entry.Type != "table" && entry.Sql.Length > 0).OrderBy(entry => Array.IndexOf(Order, entry.Type)))
        {
            ct.ThrowIfCancellationRequested();
            _ = Made(to, $"{type} {name}", sql);
        }
    }

    private static readonly string[] Order = ["index", "view", "trigger"];

    private List<(string Type, string Name, string Sql, long Root)> ReadSchema(SqliteDatabase from)
    {
        var schema = new List<(string, string, string, long)>();
        try
        {
            // Cells may share what they hold: a small file can list more text than there is memory.
            var left = MostSchemaText;
            from.Run("SELECT type, name, sql, rootpage, length(type) + length(name) + ifnull(length(sql), 0) FROM sqlite_master", row =>
            {
                left -= row.Number(4);
                if (left >= 0)
                {
                    schema.Add((row.Text(0), row.Text(1), row.Text(2), row.Number(3)));
                }

                return left >= 0 && schema.Count < MostTables * 10;
            });
            if (left < 0)
            {
                lost.Add(new Finding($"{shown} schema", "The list of tables is longer than any that is sound; the rest of it was passed over."));
            }
        }
        catch (SqliteFailure e)
        {
            lost.Add(new Finding($"{shown} schema", $"The list of tables can be read in part only: {e.Message}."));
        }

        return schema;
    }

    private void CopySettings(SqliteDatabase from, SqliteDatabase to)
    {
        foreach (var pragma in new[] { "page_size", "encoding", "auto_vacuum", "user_version", "application_id" })
        {
            try
            {
                var value = from.Column($"PRAGMA {pragma}", 1) is [var first] ? first : "";
                if (value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-'))
                {
                    to.Execute($"PRAGMA {pragma}='{value}'");
                }
            }
            catch (SqliteFailure e)
            {
                lost.Add(new Finding($"{shown} header", $"The setting {pragma} cannot be read: {e.Message}."));
            }
        }
    }

    /// <summary>Virtual tables keep what they hold in ordinary ones, which are copied; the statement that makes them is left to a person.</summary>
    private bool IsOrdinary(string name, string sql)
    {
        if (name.StartsWith("sqlite_", StringComparison.OrdinalIgnoreCase))
        {
            return name == Sequences;
        }

        if (!sql.TrimStart().StartsWith("CREATE TABLE", StringComparison.OrdinalIgnoreCase))
        {
            Lose(name, "is a virtual table; the tables it keeps its content in were copied, and it must be made anew: its statement is not run here");
            return false;
        }

        return true;
    }

    private bool Made(SqliteDatabase to, string what, string sql)
    {
        try
        {
            to.Execute(sql);
            return true;
        }
        catch (SqliteFailure e) when (!e.IsOfTheDisk && e.Code != raw.SQLITE_INTERRUPT)
        {
            Lose(what, $"could not be made in the new database: {e.Message}");
            return false;
        }
    }

    private void CopyTable(SqliteDatabase from, SqliteDatabase to, string name, RowGap gap, CancellationToken ct)
    {
        try
        {
            var columns = TableColumns.Of(to, name);
            if (name == Sequences)
            {
                to.Execute("DELETE FROM sqlite_sequence");
            }

            using var rows = new RowCopy(from, to, name, columns, RandomAccess.GetLength(gap.File) / SmallestCell, settings.HeapBytes);
            try
            {
                if (columns.RowId is null)
                {
                    CopyFromBothEnds(rows, name, ct);
                }
                else
                {
                    walk.Copy(rows, gap, how => Lose(name, how), ct);
                }
            }
            finally
            {
                // As a verdict counts: without the tables that are SQLite's own.
                if (name != Sequences)
                {
                    counts[name] = rows.Copied;
                }
            }

            if (rows.OutOfOrder > 0)
            {
                Lose(name, string.Create(CultureInfo.InvariantCulture, $"held {rows.OutOfOrder} rows out of order: the rowid of each of them, or of one beside it, is altered"));
            }

            if (rows.Refused > 0)
            {
                Lose(name, string.Create(CultureInfo.InvariantCulture, $"held {rows.Refused} rows that the new table refuses, for instance because a key stands twice"));
            }
        }
        catch (SqliteFailure e) when (e.Code is not (raw.SQLITE_NOMEM or raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_INTERRUPT))
        {
            Lose(name, $"cannot be read: {e.Message}");
        }
    }

    private void CopyFromBothEnds(RowCopy rows, string name, CancellationToken ct)
    {
        if (!rows.CopyAll(isDescending: false, ct) && !rows.CopyAll(isDescending: true, ct))
        {
            Lose(name, "is damaged within; what can be reached from its beginning and from its end was copied");
        }
    }

    private void Lose(string what, string how)
    {
        if (lost.Count < Verdict.MaxFindings)
        {
            lost.Add(new Finding($"{shown} {what}", $"It {how}."));
        }
        else
        {
            untold++;
        }
    }
}
