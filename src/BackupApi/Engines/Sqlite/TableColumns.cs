namespace BackupApi.Engines.Sqlite;

/// <summary>The columns of a table that hold data, and how to name its rowid.</summary>
/// <param name="RowId">A name that is no column's; null for a table without rowids.</param>
/// <param name="HasAlias">The rowid is a column too (INTEGER PRIMARY KEY), so it need not be copied by itself.</param>
/// <param name="Key">The primary key, for a table without rowids.</param>
internal sealed record TableColumns(IReadOnlyList<string> Names, string? RowId, bool HasAlias, IReadOnlyList<string> Key)
{
    public static TableColumns Of(SqliteDatabase database, string table)
    {
        var names = new List<string>();
        var key = new List<(long Order, string Name, string Type)>();
        database.Run($"PRAGMA table_xinfo({Quote(table)})", row =>
        {
            if (row.Number(6) == 0)
            {
                names.Add(row.Text(1));
                if (row.Number(5) > 0)
                {
                    key.Add((row.Number(5), row.Text(1), row.Text(2)));
                }
            }

            return true;
        });
        var rowId = Array.Find(["rowid", "_rowid_", "oid"], name => !names.Contains(name, StringComparer.OrdinalIgnoreCase));
        if (rowId is not null)
        {
            try
            {
                _ = database.Number($"SELECT {rowId} FROM {Quote(table)} LIMIT 0");
            }
            catch (SqliteFailure)
            {
                rowId = null;
            }
        }

        var hasAlias = key is [(_, _, var type)] && type.Equals("INTEGER", StringComparison.OrdinalIgnoreCase);
        return new TableColumns(names, rowId, hasAlias, [.. key.OrderBy(part => part.Order).Select(part => part.Name)]);
    }

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
