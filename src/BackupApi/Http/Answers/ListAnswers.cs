using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>All backups, newest first.</summary>
internal sealed record ListAnswer(IReadOnlyList<BackupFacts> Backups)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;

    public static ListAnswer Of(IEnumerable<Backup> backups) => new([.. backups.Select(BackupFacts.Of)]);

    /// <summary>As rotation sees them now, each with the places in the calendar that it fills.</summary>
    public static ListAnswer Of(RetentionPlan plan) => new([.. plan.Decisions.Select(decision => BackupFacts.Of(decision.Backup) with { Slots = decision.Slots })]);
}

/// <summary>Everything about all backups, to be kept elsewhere.</summary>
internal sealed record ExportAnswer(BackupsMetadata Metadata)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}

/// <summary>Names of the oldest and the newest are null when there is no backup. Sizes are bytes.</summary>
internal sealed record BackupsMetadata
{
    public required int BackupCount { get; init; }

    public required long TotalSize { get; init; }

    public required string TotalSizeMB { get; init; }

    public string? OldestBackup { get; init; }

    public DateTimeOffset? OldestCreated { get; init; }

    public string? NewestBackup { get; init; }

    public DateTimeOffset? NewestCreated { get; init; }

    public required IReadOnlyList<BackupFacts> Backups { get; init; }

    public static BackupsMetadata Of(IReadOnlyList<Backup> newestFirst)
    {
        var total = newestFirst.Sum(backup => backup.SizeBytes);
        return new BackupsMetadata
        {
            BackupCount = newestFirst.Count,
            TotalSize = total,
            TotalSizeMB = BackupFacts.InMegabytes(total),
            OldestBackup = newestFirst.Count == 0 ? null : newestFirst[^1].Name,
            OldestCreated = newestFirst.Count == 0 ? null : newestFirst[^1].CreatedAt,
            NewestBackup = newestFirst.Count == 0 ? null : newestFirst[0].Name,
            NewestCreated = newestFirst.Count == 0 ? null : newestFirst[0].CreatedAt,
            Backups = [.. newestFirst.Select(BackupFacts.Of)],
        };
    }
}

/// <summary>One backup with its sources and its manifest.</summary>
/// <param name="Manifest">Null for an archive that was not made here.</param>
internal sealed record DetailAnswer(BackupFacts Backup, IReadOnlyList<ManifestSource> Sources, Manifest? Manifest)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}

/// <summary>A restore was rehearsed and everything came back. One that does not is answered by its problem.</summary>
internal sealed record DrillAnswer(string Name, long DurationMs, DateTimeOffset At, string OperationId)
{
    public bool Success => true;

    public static DrillAnswer Example { get; } = new("backup_2026-11-20_120000.tar.gz", 310, new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero), "20261120T120000Z-0001");
}

/// <summary>A backup was removed.</summary>
internal sealed record DeleteAnswer(string Name, long FreedBytes, string OperationId)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}

/// <summary>A backup was read whole, and everything agrees. One that does not is answered by the problem <c>archiveDamaged</c>.</summary>
internal sealed record VerifyAnswer
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;

    public required string Name { get; init; }

    public required bool Whole { get; init; }

    public required VerificationLevel Verification { get; init; }

    public required bool Proven { get; init; }

    public required long Entries { get; init; }

    public required long ContentSize { get; init; }

    public required long DurationMs { get; init; }

    public required string OperationId { get; init; }

    public static VerifyAnswer Of(VerifyResult result, string operationId) => new()
    {
        Name = result.Backup.Name,
        Whole = result.IsWhole,
        Verification = result.Backup.Verification,
        Proven = result.Backup.IsProven,
        Entries = result.Entries,
        ContentSize = result.ContentBytes,
        DurationMs = (long)result.Duration.TotalMilliseconds,
        OperationId = operationId,
    };
}

/// <summary>What rotation would do now. Asking changes nothing.</summary>
internal sealed record RetentionAnswer(IReadOnlyList<RetentionFacts> Keep, IReadOnlyList<RetentionFacts> Remove)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;

    public static RetentionAnswer Of(RetentionPlan plan) => new(
        [.. plan.Decisions.Where(decision => decision.Keep).Select(RetentionFacts.Of)],
        [.. plan.Decisions.Where(decision => !decision.Keep).Select(RetentionFacts.Of)]);
}

/// <param name="Slots">The places in the calendar it fills; empty without one.</param>
internal sealed record RetentionFacts(string Name, DateTimeOffset Created, long Size, IReadOnlyList<string> Reasons, IReadOnlyList<string> Slots)
{
    public static RetentionFacts Of(RetentionDecision decision) =>
        new(decision.Backup.Name, decision.Backup.CreatedAt, decision.Backup.SizeBytes, decision.Reasons, decision.Slots);
}

/// <summary>A backup was pinned or let go.</summary>
internal sealed record PinAnswer(string Name, IReadOnlyList<string> Pins)
{
    public bool Success => true;
}
