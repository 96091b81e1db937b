namespace BackupApi.Engines.Sqlite;

/// <summary>Finds the end of a damaged place in a table by asking from which rowids on a row can be reached.</summary>
internal static class RowGap
{
    /// <summary>The smallest start from which a row can be reached again, sought by doubling and then by halving; null when there is none.</summary>
    public static long? FirstReadableBehind(RowCopy rows, long hole)
    {
        var (bad, good) = (hole, (long?)null);
        for (ulong step = 1; good is null && step != 0; step <<= 1)
        {
            var candidate = (Int128)hole + (Int128)step;
            if (candidate > long.MaxValue)
            {
                break;
            }

            switch (rows.Reach((long)candidate))
            {
                case RowReach.Row:
                    good = (long)candidate;
                    break;
                case RowReach.Broken:
                    bad = (long)candidate;
                    break;
                default:
                    // Behind the last row: what is sought lies between, if anywhere.
                    return Halve(rows, bad, (long)candidate);
            }
        }

        return good is { } found ? Halve(rows, bad, found) : null;
    }

    /// <summary>The boundary between starts that do not reach a row and those that do, or that there is none.</summary>
    private static long? Halve(RowCopy rows, long bad, long good)
    {
        while ((Int128)good - bad > 1)
        {
            var middle = (long)(((Int128)good + bad) / 2);
            if (rows.Reach(middle) == RowReach.Broken)
            {
                bad = middle;
            }
            else
            {
                good = middle;
            }
        }

        return rows.Reach(good) == RowReach.Row ? good : null;
    }
}
