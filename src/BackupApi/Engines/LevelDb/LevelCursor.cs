namespace BackupApi.Engines.LevelDb;

/// <summary>The tables of one level above 0, one after the other: their key ranges do not overlap, so one table is open at a time.</summary>
internal sealed class LevelCursor(Verification verification, IReadOnlyList<(LiveTable Table, string Name)> tables) : IKeyCursor
{
    private TableCursor? current;
    private int next;

    public ReadOnlySpan<byte> UserKey => current!.UserKey;

    public ulong Tag => current!.Tag;

    public bool MoveNext()
    {
        while (current is null || !current.MoveNext())
        {
            current?.Dispose();
            current = null;
            if (next == tables.Count)
            {
                return false;
            }

            var (table, name) = tables[next++];
            current = TableCursor.Open(verification, table, name);
        }

        return true;
    }

    public void Dispose() => current?.Dispose();
}
