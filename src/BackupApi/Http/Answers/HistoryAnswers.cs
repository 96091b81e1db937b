using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>A page of history.</summary>
/// <param name="Next">Send it as before to get the page after; null on the last one.</param>
internal sealed record HistoryAnswer(IReadOnlyList<HistoryFacts> Operations, string? Next)
{
    public bool Success => true;

    public static HistoryAnswer Example { get; } = new(
        [new HistoryFacts { Id = "20261120T120000Z-0001", Kind = OperationKind.Backup, Trigger = Trigger.Schedule, Started = new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero), DurationMs = 180, Outcome = Outcome.Ok, Backup = "backup_2026-11-20_120000.tar.gz", ArchiveSize = 10486 }],
        "1795176000000.20261120T120000Z-0001");

    public static HistoryAnswer Of(HistoryPage page) => new([.. page.Entries.Select(HistoryFacts.Of)], page.Next);
}

/// <summary>One operation that ended. Sizes are bytes.</summary>
internal sealed record HistoryFacts
{
    public required string Id { get; init; }

    public required OperationKind Kind { get; init; }

    public required Trigger Trigger { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required long DurationMs { get; init; }

    /// <summary>ok, partial, failed or skipped.</summary>
    public Outcome? Outcome { get; init; }

    public Fault? Fault { get; init; }

    public string? Message { get; init; }

    public string? Hint { get; init; }

    public string? Backup { get; init; }

    public long BytesRead { get; init; }

    public long BytesCompressed { get; init; }

    public long BytesCarriedOver { get; init; }

    /// <summary>Nothing had changed: no archive was written.</summary>
    public bool Confirmed { get; init; }

    /// <summary>0 when it made none.</summary>
    public long ArchiveSize { get; init; }

    public static HistoryFacts Of(HistoryEntry entry) => new()
    {
        Id = entry.Operation.Id,
        Kind = entry.Operation.Kind,
        Trigger = entry.Operation.Trigger,
        Started = entry.Operation.StartedAt,
        DurationMs = entry.DurationMs,
        Outcome = entry.Operation.Outcome,
        Fault = entry.Operation.Fault,
        Message = entry.Operation.Message,
        Hint = entry.Operation.Hint,
        Backup = entry.Operation.BackupName,
        BytesRead = entry.Operation.BytesRead,
        BytesCompressed = entry.Operation.BytesCompressed,
        BytesCarriedOver = entry.Operation.BytesCarriedOver,
        Confirmed = entry.Operation.Confirmed,
        ArchiveSize = entry.ArchiveBytes,
    };
}

/// <summary>History in figures.</summary>
internal sealed record StatsAnswer(HistoryStats Stats)
{
    public bool Success => true;

    public static StatsAnswer Example { get; } = new(new HistoryStats(
        [new KindStats(OperationKind.Backup, 720, 718, 1, 1, 0.9972, 180, 420)], [new DayStats("2026-11-20", 24, 9, 0, 983_040, 251_664, 180)], 40_960, 1220.7));
}
