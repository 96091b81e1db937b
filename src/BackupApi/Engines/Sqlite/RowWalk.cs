using System.Globalization;

namespace BackupApi.Engines.Sqlite;

/// <summary>Walks damaged tables by their rowids: where a page does not stand, the walk goes on at the next one that does.</summary>
/// <param name="patience">Time for which the ends of damaged places are looked for, in all tables together.</param>
internal sealed class RowWalk(TimeProvider time, TimeSpan patience)
{
    /// <summary>Damaged places of one table, rows that are lost alone not among them, after which the rest of it is given up.</summary>
    private const int MostGaps = 10_000;

    private TimeSpan searched;

    /// <param name="lose">Told each time what was lost, and how: the end of a sentence.</param>
    public void Copy(RowCopy rows, RowGap gap, Action<string> lose, CancellationToken ct)
    {
        var next = long.MinValue;
        for (var gaps = 0; gaps < MostGaps;)
        {
            ct.ThrowIfCancellationRequested();
            var (end, last, before) = rows.CopyFrom(next, ct);
            if (end == RowsEnd.Whole)
            {
                return;
            }

            // Where what is missing begins, and from where on a row is looked for.
            long first, hole;
            if (before is { } known && gap.IsTooHigh(last!.Value, known, out var leafEnd))
            {
                (first, hole, end) = (known + 1, leafEnd + 1, RowsEnd.Again);
            }
            else if (last == long.MaxValue)
            {
                return;
            }
            else
            {
                first = hole = last is { } seen ? Math.Max(next, seen + 1) : next;
            }

            var (reached, rowId) = rows.Reach(hole);
            if (reached == RowReach.Row && end == RowsEnd.Broken && rowId < long.MaxValue)
            {
                // A row that is reached and could not be read is alone: what its overflow pages held is lost.
                lose(string.Create(CultureInfo.InvariantCulture, $"cannot be read at rowid {rowId}: {rows.Problem}"));
                next = rowId + 1;
                continue;
            }

            // Where it was the order that broke, the row that is reached is as sound as any.
            gaps++;
            var isSound = reached == RowReach.Row && end == RowsEnd.Again;
            var beginning = first == long.MinValue ? "its beginning" : string.Create(CultureInfo.InvariantCulture, $"rowid {first}");
            if ((isSound ? rowId : FirstReadableBehind(gap, rows, hole, ct)) is not { } behind)
            {
                lose($"cannot be read from {beginning} on{(searched > patience ? $": the search for what stands behind took longer than {patience}" : "")}");
                return;
            }

            lose(string.Create(CultureInfo.InvariantCulture, $"cannot be read from {beginning} to rowid {behind - 1}"));
            next = behind;
        }

        lose(string.Create(CultureInfo.InvariantCulture, $"is damaged at more than {MostGaps} places; the rest was given up"));
    }

    private long? FirstReadableBehind(RowGap gap, RowCopy rows, long hole, CancellationToken ct)
    {
        var (before, began) = (searched, time.GetTimestamp());
        var found = gap.FirstReadableBehind(rows, hole, () => (searched = before + time.GetElapsedTime(began)) > patience, ct);
        searched = before + time.GetElapsedTime(began);
        return found;
    }
}
