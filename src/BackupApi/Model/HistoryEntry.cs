namespace BackupApi.Model;

/// <summary>An operation that ended, as history keeps it.</summary>
/// <param name="ArchiveBytes">Size of the archive it made; 0 when it made none.</param>
/// <param name="TotalBytes">Of all backups together when it ended.</param>
internal sealed record HistoryEntry(OperationRecord Operation, long ArchiveBytes, long TotalBytes)
{
    public long DurationMs => (long)((Operation.EndedAt - Operation.StartedAt)?.TotalMilliseconds ?? 0);
}

/// <summary>What is asked of history; null for no bound.</summary>
internal sealed record HistoryFilter
{
    public const int MaxPage = 500;

    public OperationKind? Kind { get; init; }

    public Outcome? Outcome { get; init; }

    public Trigger? Trigger { get; init; }

    public string? BackupName { get; init; }

    public DateTimeOffset? From { get; init; }

    /// <summary>Not included.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Where the page before ended: only older ones.</summary>
    public string? Before { get; init; }

    /// <summary>From 1 to <see cref="MaxPage"/>.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of history, newest first.</summary>
/// <param name="Next">To be given as <see cref="HistoryFilter.Before"/> for the page after; null when there is none.</param>
internal sealed record HistoryPage(IReadOnlyList<HistoryEntry> Entries, string? Next);
