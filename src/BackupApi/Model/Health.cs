using System.Text.Json.Serialization;

namespace BackupApi.Model;

/// <summary>The three answers of health.</summary>
internal enum HealthStatus
{
    Healthy,

    /// <summary>Something wants a person's eye; backups are still being made.</summary>
    Degraded,

    /// <summary>If the disk broke now, more would be lost than was promised.</summary>
    Unhealthy,
}

/// <summary>One reason for not being healthy.</summary>
/// <param name="Code">Stable, for machines: <c>no-proven-backup</c>.</param>
/// <param name="Since">When it was first seen; null when it is not known.</param>
internal sealed record HealthReason(string Code, HealthStatus Severity, string Message, string Hint, DateTimeOffset? Since)
{
    /// <summary>Tells two reasons of one code apart, where the message changes with time.</summary>
    [JsonIgnore]
    public string Subject { get; init; } = "";
}

/// <summary>Room on a disk that one of our folders lies on.</summary>
internal sealed record DiskRoom(string Folder, long FreeBytes, long TotalBytes, string FileSystem);

/// <summary>One database as it was last seen, by a backup or by a check.</summary>
/// <param name="Bytes">Of the captured copy, side files included.</param>
/// <param name="LastProvenIn">The newest backup in which it was proven; null when there is none.</param>
/// <param name="Total">Rows, documents or keys together.</param>
internal sealed record DatabaseFacts(
    string Name,
    string Engine,
    string? Variant,
    long Bytes,
    int Files,
    DateTimeOffset? LastCapturedAt,
    DateTimeOffset? LastProvenAt,
    string? LastProvenIn,
    VerificationLevel Verification,
    VerificationLevel BestVerification,
    string? Reason,
    long Total,
    IReadOnlyDictionary<string, long> Counts,
    IReadOnlyList<Finding> Errors,
    IReadOnlyList<Finding> Warnings,
    IReadOnlyList<Finding> Notes)
{
    /// <summary>What it is to its application; null when the settings do not say.</summary>
    public SourceRole? Role { get; init; }

    /// <summary>The backup in which damage that still goes on was found first; null when it is whole, or no backup has seen the damage yet.</summary>
    public string? DamagedSince { get; init; }
}

/// <summary>Everything <c>/api/health</c> says, kept in memory and refreshed when something changed.</summary>
internal sealed record HealthReport
{
    public required HealthStatus Status { get; init; }

    public required IReadOnlyList<HealthReason> Reasons { get; init; }

    public required DateTimeOffset CheckedAt { get; init; }

    public required int BackupCount { get; init; }

    public Backup? LatestBackup { get; init; }

    public Backup? LatestProven { get; init; }

    public required long TotalBytes { get; init; }

    public DateTimeOffset? NextScheduledAt { get; init; }

    /// <summary>Of the schedule.</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Utc;

    public required IReadOnlyList<DiskRoom> Disks { get; init; }

    public required IReadOnlyList<DatabaseFacts> Databases { get; init; }

    /// <summary>Archives that lie in the restore folder and wait, with the reason.</summary>
    public IReadOnlyList<Finding> Waiting { get; init; } = [];

    public OperationRecord? Running { get; init; }

    public DrillResult? LastDrill { get; init; }
}
