namespace BackupApi.Engines.Sqlite;

/// <summary>Follows the rowids of a table as its pages give them, and past single ones that are altered.</summary>
/// <param name="from">None below is in order.</param>
internal struct RowOrder(long from)
{
    private long? stray;

    /// <summary>The last rowid in order; null before the first.</summary>
    public long? Last { get; private set; }

    /// <summary>The one before it.</summary>
    public long? Before { get; private set; }

    /// <summary>False for one that does not come behind those before it.</summary>
    public bool Next(long rowId)
    {
        if (rowId >= from && !(rowId <= Last))
        {
            (Before, Last, stray) = (Last, rowId, null);
            return true;
        }

        if (rowId >= from && (!(rowId <= Before) || rowId > stray))
        {
            // The order goes on here: what was taken for its last rowid stood too high.
            (Before, Last, stray) = (rowId > stray ? stray : Before, rowId, null);
        }
        else
        {
            stray = rowId;
        }

        return false;
    }
}
