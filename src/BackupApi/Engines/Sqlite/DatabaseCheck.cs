using System.Text.RegularExpressions;
using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>The checks that the library does on one file that nobody changes, and what its answers mean.</summary>
internal sealed partial class DatabaseCheck : IDisposable
{
    /// <summary>Virtual machine steps between two looks at the cancellation.</summary>
    private const int StepsBetweenLooks = 10_000;

    private readonly SqliteDatabase copy;
    private readonly string path;
    private readonly string shown;
    private readonly SqliteHeader header;
    private readonly TreeShape shape;
    private readonly long heapBytes;
    private readonly List<Finding> errors = [];
    private readonly List<Finding> notes = [];
    private SortedDictionary<string, long> counts = new(StringComparer.Ordinal);
    private string? cannotCheck;

    public DatabaseCheck(string path, string shown, SqliteHeader header, TreeShape shape, SqliteSettings settings)
    {
        this.path = path;
        this.shown = shown;
        this.header = header;
        this.shape = shape;
        heapBytes = settings.HeapBytes;
        copy = SqliteDatabase.Open(path, Access.Copy);
    }

    /// <exception cref="OperationCanceledException">Cancelled or out of time.</exception>
    /// <exception cref="SqliteFailure">Out of memory, or the disk failed: nothing the bytes are to blame for.</exception>
    public Verdict Run(List<Finding> warnings, CancellationToken ct)
    {
        raw.sqlite3_progress_handler(copy.Handle, StepsBetweenLooks, _ => ct.IsCancellationRequested ? 1 : 0, null);
        using var interrupt = ct.Register(() => raw.sqlite3_interrupt(copy.Handle));

        if (!Try(LoadSchema, ct) || errors.Count > 0 || cannotCheck is not null)
        {
            return Answer(warnings, ct);
        }

        if (!Try(() => CheckShape(ct), ct) || errors.Count > 0)
        {
            return Answer(warnings, ct);
        }

        using var rows = new RowCounts(path, heapBytes, ct);
        Try(() => CheckIntegrity(warnings, ct), ct);
        Try(() => CheckForeignKeys(warnings, ct), ct);
        CountRows(rows, warnings, ct);
        return Answer(warnings, ct);
    }

    public void Dispose() => copy.Dispose();

    private Verdict Answer(List<Finding> warnings, CancellationToken ct)
    {
        // An interrupted integrity_check calls the pages it did not reach "never used": what was found until then is worth nothing.
        ct.ThrowIfCancellationRequested();
        IReadOnlyList<Finding> bounded = [.. warnings.Take(Verdict.MaxFindings)];
        return errors.Count > 0 ? Verdict.Damaged([.. errors.Take(Verdict.MaxFindings)], counts, bounded, notes)
            : cannotCheck is not null ? Verdict.ArchiveOnly(cannotCheck, bounded) with { Counts = counts, Notes = notes }
            : Verdict.Ok(counts, bounded, notes);
    }

    private void LoadSchema()
    {
        HostileInput.Restrict(copy, heapBytes);
        _ = copy.Number("SELECT count(*) FROM sqlite_master");
    }

    private void CheckShape(CancellationToken ct)
    {
        var roots = new List<long>();
        copy.Run("SELECT rootpage FROM sqlite_master WHERE rootpage > 0", row =>
        {
            roots.Add(row.Number(0));
            return true;
        });
        if (shape.FindFault(roots, ct) is { } fault)
        {
            errors.Add(fault);
        }
    }

    private void CheckIntegrity(List<Finding> warnings, CancellationToken ct)
    {
        var rootNames = RootNames();
        var pragma = "integrity_check";
        for (var missing = 0; ; missing++)
        {
            try
            {
                // Row by row: a check that gives up half-way has told the place before.
                copy.Run($"PRAGMA {pragma}({Verdict.MaxFindings})", row =>
                {
                    foreach (var line in row.Text(0).Split('\n'))
                    {
                        IntegrityLine.Sort(line, shown, rootNames, errors, warnings);
                    }

                    return true;
                });
                return;
            }
            catch (SqliteFailure e) when (MissingCollation().Match(e.Message) is { Success: true } match && missing < 100)
            {
                // A stand-in lets the structure be checked; the order of that index is its owner's secret, so the comparing half is left out.
                ct.ThrowIfCancellationRequested();
                warnings.Add(new Finding(shown, $"The owner's collation {match.Groups["name"].Value} is not known here: structure and rows are checked, the order in indexes is not."));
                raw.sqlite3_create_collation(copy.Handle, match.Groups["name"].Value, null, static (_, left, right) => string.CompareOrdinal(left, right));
                pragma = "quick_check";
            }
        }
    }

    private void CheckForeignKeys(List<Finding> warnings, CancellationToken ct)
    {
        var violations = new SortedDictionary<string, long>(StringComparer.Ordinal);
        copy.Run("PRAGMA foreign_key_check", row =>
        {
            ct.ThrowIfCancellationRequested();
            var key = $"{row.Text(0)}\0{row.Text(2)}";
            if (violations.Count < Verdict.MaxFindings || violations.ContainsKey(key))
            {
                violations[key] = violations.GetValueOrDefault(key) + 1;
            }

            return true;
        });
        foreach (var (key, rows) in violations)
        {
            var names = key.Split('\0');
            warnings.Add(new Finding($"{shown} table {names[0]}", $"Foreign keys: {rows} rows refer to rows of {names[1]} that do not exist."));
        }
    }

    private void CountRows(RowCounts rows, List<Finding> warnings, CancellationToken ct)
    {
        counts = rows.End();
        List<string> tables = [];
        Try(() => tables = RowCounts.TablesOf(copy), ct);
        foreach (var table in tables.Where(table => !counts.ContainsKey(table)))
        {
            if (!Try(() => counts[table] = RowCounts.Of(copy, table), ct))
            {
                warnings.Add(new Finding($"{shown} table {table}", "Its rows could not be counted."));
            }
        }

        notes.Add(new Finding(shown, $"{counts.Count} tables, {counts.Values.Sum()} rows."));
    }

    private Dictionary<long, string> RootNames()
    {
        var names = new Dictionary<long, string>();
        copy.Run("SELECT rootpage, type, name FROM sqlite_master WHERE rootpage > 0", row =>
        {
            names.TryAdd(row.Number(0), $"{row.Text(1)} {row.Text(2)}");
            return names.Count < RowCounts.MostTables;
        });
        return names;
    }

    /// <summary>Runs one check; what it fails with becomes damage, or the reason why nothing more can be said.</summary>
    private bool Try(Action check, CancellationToken ct)
    {
        try
        {
            check();
            return true;
        }
        catch (SqliteFailure e) when (e.Code == raw.SQLITE_INTERRUPT)
        {
            ct.ThrowIfCancellationRequested();
            throw;
        }
        catch (SqliteFailure e) when (e.Code is not (raw.SQLITE_NOMEM or raw.SQLITE_IOERR))
        {
            var isNewer = header.LibraryVersion > SqliteLibrary.Version;
            if (e.IsDamage && !(isNewer && e.Message.StartsWith("malformed database schema", StringComparison.Ordinal)))
            {
                if (errors.Count == 0)
                {
                    errors.Add(new Finding(shown, $"{e.Message}."));
                }
            }
            else
            {
                cannotCheck ??= isNewer
                    ? $"Written by SQLite {SqliteLibrary.Show(header.LibraryVersion)}, newer than the verifier's {SqliteLibrary.Show(SqliteLibrary.Version)}: {e.Message}."
                    : $"The verifier lacks what this database needs: {e.Message}.";
            }

            return false;
        }
    }

    [GeneratedRegex("^no such collation sequence: (?<name>.+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex MissingCollation();
}
