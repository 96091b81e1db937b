namespace BackupApi.Model;

/// <summary>How far a source was proven. Ordered: a later member includes the earlier ones.</summary>
internal enum VerificationLevel
{
    /// <summary>Nothing was checked, or the check failed.</summary>
    None,

    /// <summary>The bytes in the archive are those that were captured: lengths, CRC, SHA-256.</summary>
    Archive,

    /// <summary>The captured copy was opened, walked and counted by the rules of its database.</summary>
    Engine,

    /// <summary>It was restored into a scratch folder by the real restore code, and checked there.</summary>
    Drill,
}

/// <summary>One thing a verifier saw.</summary>
/// <param name="Where">File and page, block or offset: <c>data.db page 2</c>.</param>
/// <param name="Message">What is wrong, one sentence.</param>
internal sealed record Finding(string Where, string Message);

/// <summary>What a verifier says of one copy. A damaged copy is an answer, never an exception.</summary>
internal sealed record Verdict
{
    /// <summary>The level this copy reached: <see cref="VerificationLevel.None"/> when it is damaged.</summary>
    public required VerificationLevel Level { get; init; }

    /// <summary>The best level that a source of this kind can reach here, for instance without its password.</summary>
    public required VerificationLevel BestLevel { get; init; }

    /// <summary>Why <see cref="BestLevel"/> is below <see cref="VerificationLevel.Engine"/>; null when it is not.</summary>
    public string? Reason { get; init; }

    /// <summary>What was counted, by table, collection or key space: rows, documents, keys. Sorted by name.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new SortedDictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Certain damage, at most <see cref="MaxFindings"/>.</summary>
    public IReadOnlyList<Finding> Errors { get; init; } = [];

    /// <summary>What is odd but not certainly wrong, at most <see cref="MaxFindings"/>.</summary>
    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    /// <summary>Facts worth telling that are neither: an uncommitted tail that was dropped.</summary>
    public IReadOnlyList<Finding> Notes { get; init; } = [];

    public const int MaxFindings = 100;

    public bool IsDamaged => Errors.Count > 0;

    /// <summary>Not damaged, and as far checked as its kind allows.</summary>
    public bool IsProven => !IsDamaged && Level >= BestLevel;

    public static Verdict Ok(IReadOnlyDictionary<string, long> counts, IReadOnlyList<Finding>? warnings = null, IReadOnlyList<Finding>? notes = null) => new()
    {
        Level = VerificationLevel.Engine,
        BestLevel = VerificationLevel.Engine,
        Counts = counts,
        Warnings = warnings ?? [],
        Notes = notes ?? [],
    };

    /// <summary>A source whose content this service cannot read: guarded by the archive's own checksums only.</summary>
    public static Verdict ArchiveOnly(string? reason, IReadOnlyList<Finding>? warnings = null) => new()
    {
        Level = VerificationLevel.Archive,
        BestLevel = VerificationLevel.Archive,
        Reason = reason,
        Warnings = warnings ?? [],
    };

    public static Verdict Damaged(IReadOnlyList<Finding> errors, IReadOnlyDictionary<string, long>? counts = null, IReadOnlyList<Finding>? warnings = null, IReadOnlyList<Finding>? notes = null) => new()
    {
        Level = VerificationLevel.None,
        BestLevel = VerificationLevel.Engine,
        Errors = errors,
        Counts = counts ?? new SortedDictionary<string, long>(StringComparer.Ordinal),
        Warnings = warnings ?? [],
        Notes = notes ?? [],
    };
}
