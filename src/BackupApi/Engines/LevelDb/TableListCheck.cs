namespace BackupApi.Engines.LevelDb;

/// <summary>Checks the MANIFEST's list of tables in itself and against the names in the folder, before any table is opened.</summary>
internal static class TableListCheck
{
    public static Comparer<byte[]> ByKey { get; } = Comparer<byte[]>.Create(static (left, right) => InternalKey.Compare(left, right));

    public static void Run(ManifestState state, IReadOnlyList<FileName> names, Findings findings, bool isOrdered)
    {
        var live = new Dictionary<ulong, LiveTable>();
        foreach (var table in state.Live.OrderBy(table => table.Number))
        {
            var name = $"{table.Number:D6}.ldb";
            if (table.Number >= state.NextFileNumber)
            {
                findings.Error(name, $"The table's number is not below the next file number {state.NextFileNumber} of the MANIFEST.");
            }

            if (!live.TryAdd(table.Number, table))
            {
                findings.Error(name, $"The table is listed on level {live[table.Number].Level} and on level {table.Level}.");
            }
        }

        if (isOrdered)
        {
            CheckOverlap(state, findings);
        }

        foreach (var extra in names.Where(name => name.Role == FileRole.Table && !live.ContainsKey(name.Number)))
        {
            findings.Warning(extra.Name, "A table that the MANIFEST does not list; the engine will remove it.");
        }

        foreach (var old in names.Where(name => name.Role == FileRole.Log && !state.IsLiveLog(name.Number)))
        {
            findings.Note(old.Name, "A log whose content is in tables already; the engine will remove it.");
        }
    }

    private static void CheckOverlap(ManifestState state, Findings findings)
    {
        foreach (var level in state.Live.GroupBy(table => table.Level))
        {
            LiveTable? previous = null;
            foreach (var table in level.OrderBy(table => table.Smallest, ByKey))
            {
                if (InternalKey.Compare(table.Smallest, table.Largest) > 0)
                {
                    findings.Error($"{table.Number:D6}.ldb", "The MANIFEST gives the table a smallest key behind its largest.");
                }

                if (level.Key > 0 && previous is not null && InternalKey.Compare(previous.Largest, table.Smallest) >= 0)
                {
                    findings.Error($"{table.Number:D6}.ldb", $"The table's keys overlap those of {previous.Number:D6}.ldb on level {level.Key}.");
                }

                previous = table;
            }
        }
    }
}
