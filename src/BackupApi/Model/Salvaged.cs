namespace BackupApi.Model;

/// <summary>What an engine brought out of a damaged database.</summary>
internal sealed record Salvaged
{
    /// <summary>How, in words: <c>reindexed</c>, <c>.recover</c>, <c>row by row</c>, <c>documents one by one</c>.</summary>
    public required string Method { get; init; }

    /// <summary>What was written, relative to the folder given.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>What was brought out, by table, collection or key space. Sorted by name.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new SortedDictionary<string, long>(StringComparer.Ordinal);

    /// <summary>What could not be read, each with where; at most <see cref="Verdict.MaxFindings"/>.</summary>
    public IReadOnlyList<Finding> NotReadable { get; init; } = [];

    /// <summary>What must be known of the result, for instance that older versions may be among it.</summary>
    public IReadOnlyList<Finding> Notes { get; init; } = [];
}

/// <summary>How a salvage ended: what was brought out lies beside, nothing of storage was touched.</summary>
internal sealed record SalvageResult
{
    /// <summary>The database, as the answers show it.</summary>
    public required string Database { get; init; }

    public required string Engine { get; init; }

    /// <summary>The folder that holds the result and <c>report.json</c>; absolute, as shown by Files.PathText.</summary>
    public required string Folder { get; init; }

    public required Salvaged Salvaged { get; init; }

    /// <summary>What was wrong with the database, as its engine sees it.</summary>
    public required IReadOnlyList<Finding> Damage { get; init; }

    /// <summary>The newest backup that holds a proven copy: bringing that back may be better; null when none does.</summary>
    public string? ProvenIn { get; init; }

    /// <summary>What that backup counts; empty when there is none.</summary>
    public IReadOnlyDictionary<string, long> CountsThere { get; init; } = new SortedDictionary<string, long>(StringComparer.Ordinal);

    public required TimeSpan Duration { get; init; }
}
