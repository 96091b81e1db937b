namespace BackupApi.Engines.Sqlite;

/// <summary>What a look for the first row from a rowid on met.</summary>
internal enum RowReach
{
    Row,
    End,
    Broken,
}

/// <summary>How a reading of rows ended.</summary>
internal enum RowsEnd
{
    Whole,

    /// <summary>A row, or the page that should come next, does not stand.</summary>
    Broken,

    /// <summary>Rows came once more: pages lead to one another in a circle.</summary>
    Again,
}
