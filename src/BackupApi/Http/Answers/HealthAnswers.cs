using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>How the backups stand.</summary>
internal sealed record HealthAnswer
{
    public required HealthStatus Status { get; init; }

    public required IReadOnlyList<HealthReason> Reasons { get; init; }

    public required DateTimeOffset CheckedAt { get; init; }

    public required string Version { get; init; }

    public required BackupHealth Backup { get; init; }

    public required IReadOnlyList<DiskRoom> Disk { get; init; }

    public required IReadOnlyList<DatabaseFacts> Databases { get; init; }

    /// <summary>Archives in the restore folder that wait, with the reason.</summary>
    public required IReadOnlyList<Finding> Waiting { get; init; }

    /// <summary>What is being done now; null when nothing is.</summary>
    public OperationRecord? Running { get; init; }

    /// <summary>The last rehearsal of a restore, and how long it took; null before the first.</summary>
    public DrillResult? LastDrill { get; init; }

    public static HealthAnswer Of(HealthReport report, string version) => new()
    {
        Status = report.Status,
        Reasons = report.Reasons,
        CheckedAt = report.CheckedAt,
        Version = version,
        Backup = new BackupHealth
        {
            Available = report.BackupCount > 0,
            Count = report.BackupCount,
            Latest = report.LatestBackup?.Name,
            LatestCreated = report.LatestBackup?.CreatedAt,
            LatestProven = report.LatestProven?.Name,
            LatestProvenCreated = report.LatestProven?.CreatedAt,
            ConfirmedAt = report.LatestProven?.ConfirmedAt,
            TotalSize = report.TotalBytes,
            TotalSizeMB = BackupFacts.InMegabytes(report.TotalBytes),
            NextScheduled = ZonedText.Of(report.NextScheduledAt, report.Zone),
        },
        Disk = report.Disks,
        Databases = report.Databases,
        Waiting = report.Waiting,
        Running = report.Running,
        LastDrill = report.LastDrill,
    };
}

/// <summary>The backups in short. Names and instants are null where there is none.</summary>
internal sealed record BackupHealth
{
    /// <summary>There is a backup to go back to.</summary>
    public required bool Available { get; init; }

    public required int Count { get; init; }

    public string? Latest { get; init; }

    public DateTimeOffset? LatestCreated { get; init; }

    public string? LatestProven { get; init; }

    public DateTimeOffset? LatestProvenCreated { get; init; }

    /// <summary>When a later run last found that nothing had changed since the newest proven backup: it was still current then, and counts as that fresh.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }

    public required long TotalSize { get; init; }

    public required string TotalSizeMB { get; init; }

    /// <summary>With the offset of TZ at that time.</summary>
    public string? NextScheduled { get; init; }
}

/// <summary>What a caller without a key is told, where keys are set.</summary>
internal sealed record StatusAnswer(HealthStatus Status);

/// <summary>The process answers.</summary>
/// <param name="Version">Left out for a caller without a key, where keys are set.</param>
internal sealed record LiveAnswer([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Version)
{
    [JsonPropertyOrder(-1)]
    public string Status => "alive";
}

/// <summary>Whether the application may open its storage.</summary>
/// <param name="Operation">The restore that is under way; null when none is, and for a caller without a key, where keys are set.</param>
internal sealed record ReadyAnswer(bool Ready, string Message, OperationRecord? Operation);
