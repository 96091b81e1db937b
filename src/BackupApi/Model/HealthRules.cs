using System.Globalization;

namespace BackupApi.Model;

/// <summary>What health is judged by, gathered beforehand.</summary>
internal sealed record HealthFacts
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>When this service started: nothing is overdue before it had its chance.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    public required bool AutoBackupEnabled { get; init; }

    public required TimeSpan Interval { get; init; }

    public required bool StorageExists { get; init; }

    public required bool BackupsWritable { get; init; }

    public required long MinFreeBytes { get; init; }

    public required IReadOnlyList<DiskRoom> Disks { get; init; }

    /// <summary>Newest first.</summary>
    public required IReadOnlyList<Backup> Backups { get; init; }

    /// <summary>The last backup operation that ended; null when none did.</summary>
    public OperationRecord? LastAttempt { get; init; }

    public IReadOnlyList<Finding> Waiting { get; init; } = [];

    public IReadOnlyList<Finding> FailedRestores { get; init; } = [];

    /// <summary>Databases that are missing or damaged, and that self-healing left to a person.</summary>
    public IReadOnlyList<Finding> Undecided { get; init; } = [];

    /// <summary>Why our own automatic writes to storage stopped; null when they did not.</summary>
    public string? ReadOnlyReason { get; init; }
}

/// <summary>Judges health. Pure: the thresholds are those of docs/OPERATING.md.</summary>
internal static class HealthRules
{
    /// <summary>Free room that is warned about, in bytes: 1 GB and 500 MB.</summary>
    public const long LowRoomBytes = 1L << 30;

    public const long VeryLowRoomBytes = 500L << 20;

    /// <summary>How many intervals may pass without a proven backup.</summary>
    public const int IntervalsAllowed = 2;

    public static IEnumerable<HealthReason> Judge(HealthFacts facts) =>
        [.. Freshness(facts), .. Folders(facts), .. Room(facts), .. LastAttempt(facts), .. Restores(facts)];

    public static HealthStatus Worst(IReadOnlyList<HealthReason> reasons) =>
        reasons.Count == 0 ? HealthStatus.Healthy : reasons.Max(r => r.Severity);

    private static IEnumerable<HealthReason> Freshness(HealthFacts facts)
    {
        var newest = facts.Backups.FirstOrDefault(b => b.IsProven);
        var freshAt = newest is null ? (DateTimeOffset?)null : Max(newest.CreatedAt, newest.ConfirmedAt);
        var allowed = facts.Interval * IntervalsAllowed;
        if (!facts.AutoBackupEnabled || (freshAt is not null && facts.Now - freshAt <= allowed))
        {
            yield break;
        }

        if (freshAt is null && facts.Now - facts.StartedAt <= facts.Interval && facts.LastAttempt is not { Outcome: Outcome.Failed or Outcome.Partial })
        {
            yield return new HealthReason("no-backup-yet", HealthStatus.Degraded, "No backup was proven yet; the service started a short while ago.", "Wait for the first backup, or ask for one: POST /api/backup/create.", facts.StartedAt);
            yield break;
        }

        yield return freshAt is null
            ? new HealthReason("no-proven-backup", HealthStatus.Unhealthy, "There is no proven backup.", "Ask for one (POST /api/backup/create) and read what its answer says.", facts.StartedAt)
            : new HealthReason(
                "proven-backup-too-old",
                HealthStatus.Unhealthy,
                string.Create(CultureInfo.InvariantCulture, $"The newest proven backup, {newest!.Name}, is {(facts.Now - freshAt.Value).TotalHours:F1} hours old; {allowed.TotalHours:F1} are allowed."),
                "Look at the last operations (GET /api/operations) for why newer ones failed.",
                freshAt + allowed);
    }

    private static IEnumerable<HealthReason> Folders(HealthFacts facts)
    {
        if (!facts.StorageExists)
        {
            yield return new HealthReason("storage-missing", HealthStatus.Unhealthy, "The storage folder is gone.", "Check STORAGE_PATH and that its volume is mounted.", null);
        }

        if (!facts.BackupsWritable)
        {
            yield return new HealthReason("backups-not-writable", HealthStatus.Unhealthy, "The backups folder cannot be written.", "Give this service the right to write there, or remount the disk writable.", null);
        }

        if (facts.ReadOnlyReason is not null)
        {
            yield return new HealthReason("read-only", HealthStatus.Unhealthy, facts.ReadOnlyReason, "Restore a backup by name (POST /api/backup/restore); that ends this state.", null);
        }
    }

    private static IEnumerable<HealthReason> Room(HealthFacts facts) =>
        from disk in facts.Disks
        where disk.FreeBytes < LowRoomBytes
        let isBelowFloor = disk.FreeBytes < facts.MinFreeBytes
        select new HealthReason(
            isBelowFloor ? "disk-full" : disk.FreeBytes < VeryLowRoomBytes ? "disk-very-low" : "disk-low",
            isBelowFloor ? HealthStatus.Unhealthy : HealthStatus.Degraded,
            string.Create(CultureInfo.InvariantCulture, $"{disk.FreeBytes >> 20} MB are free for {disk.Folder}."),
            "Free some room on that disk, or lower MAX_BACKUPS.",
            null);

    private static IEnumerable<HealthReason> LastAttempt(HealthFacts facts)
    {
        if (facts.LastAttempt is { Outcome: Outcome.Failed } failed)
        {
            yield return new HealthReason("last-backup-failed", HealthStatus.Degraded, $"The last backup failed: {failed.Message}", failed.Hint ?? "", failed.EndedAt);
        }

        if (facts.LastAttempt is { Outcome: Outcome.Partial } partial)
        {
            var first = facts.Backups.FirstOrDefault(b => b.Name == partial.BackupName)?.Errors is { Count: > 0 } errors ? errors[0] : null;
            yield return new HealthReason(
                "last-backup-partial",
                HealthStatus.Degraded,
                $"The last backup, {partial.BackupName}, is not whole{(first is null ? "." : $": {first.Where}: {first.Message}")}",
                $"GET /api/backup/{partial.BackupName} lists what is missing or damaged, and why.",
                partial.EndedAt);
        }
    }

    private static IEnumerable<HealthReason> Restores(HealthFacts facts) =>
    [
        .. facts.Undecided.Select(f => new HealthReason("database-undecided", HealthStatus.Unhealthy, $"{f.Where}: {f.Message}", "Decide by the call that the message names; a later backup in which this database is proven ends this too.", null)),
        .. facts.FailedRestores.Select(f => new HealthReason("restore-failed", HealthStatus.Degraded, $"{f.Where} was not restored: {f.Message}", "Read the .reason.txt beside it in restore/failed, then remove both.", null)),
        .. facts.Waiting.Select(f => new HealthReason("restore-waiting", HealthStatus.Degraded, $"{f.Where} waits in the restore folder: {f.Message}", "Stop what uses storage, then restart this service; or remove the file.", null)),
    ];

    private static DateTimeOffset Max(DateTimeOffset one, DateTimeOffset? other) => other is { } o && o > one ? o : one;
}
