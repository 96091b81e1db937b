using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Gathers what health is judged by, and keeps the judgement in memory, so that asking costs nothing and touches no disk.</summary>
internal sealed class WatchHealth(ServiceSettings settings, BackupCatalog catalog, DatabaseChecks databases, OperationLedger ledger, RestoreFolderState restoreFolder, ScheduleState schedule, TimeProvider clock)
{
    private readonly DateTimeOffset startedAt = clock.GetUtcNow();
    private Dictionary<string, DateTimeOffset> firstSeen = new(StringComparer.Ordinal);
    private volatile HealthReport? report;

    /// <summary>The last judgement.</summary>
    public HealthReport Current => (report ?? Refresh()) with
    {
        NextScheduledAt = schedule.NextAt,
        Running = ledger.List().FirstOrDefault(o => o.State == OperationState.Running),
    };

    /// <summary>Looks at disks and records again. Never throws: what cannot be seen is a reason.</summary>
    public HealthReport Refresh()
    {
        var now = clock.GetUtcNow();
        var backups = catalog.List();
        var disks = Disks().ToList();
        var reasons = HealthRules.Judge(new HealthFacts
        {
            Now = now,
            StartedAt = startedAt,
            AutoBackupEnabled = settings.AutoBackupEnabled,
            Interval = settings.Interval,
            StorageExists = Directory.Exists(settings.StoragePath),
            BackupsWritable = Posix.IsWritable(settings.BackupsPath),
            MinFreeBytes = settings.MinFreeBytes,
            Disks = disks,
            Backups = backups,
            LastAttempt = ledger.List().FirstOrDefault(o => o is { Kind: OperationKind.Backup, State: OperationState.Ended, Fault: not Fault.Cancelled }),
            Waiting = restoreFolder.Waiting,
            FailedRestores = restoreFolder.Failed,
            Undecided = [.. restoreFolder.Undecided.Where(wound => !backups.Any(b => b.CreatedAt > startedAt && b.Sources.Any(s => s.Name == wound.Where && s.IsProven)))],
            ReadOnlyReason = restoreFolder.ReadOnlyReason,
        }).ToList();

        firstSeen = reasons.GroupBy(r => r.Code + r.Message, StringComparer.Ordinal).ToDictionary(g => g.Key, g => firstSeen.GetValueOrDefault(g.Key, now), StringComparer.Ordinal);
        var latest = new HealthReport
        {
            Status = HealthRules.Worst(reasons),
            Reasons = [.. reasons.Select(r => r with { Since = r.Since ?? firstSeen[r.Code + r.Message] })],
            CheckedAt = now,
            BackupCount = backups.Count,
            LatestBackup = backups.Count > 0 ? backups[0] : null,
            LatestProven = backups.FirstOrDefault(b => b.IsProven),
            TotalBytes = backups.Sum(b => b.SizeBytes),
            Disks = disks,
            Databases = databases.List(),
            Waiting = restoreFolder.Waiting,
        };
        report = latest;
        return latest;
    }

    private IEnumerable<DiskRoom> Disks()
    {
        foreach (var (name, path) in new[] { ("storage", settings.StoragePath), ("backups", settings.BackupsPath), ("restore", settings.RestorePath) })
        {
            if (Directory.Exists(path))
            {
                var mount = MountFacts.Of(path);
                yield return new DiskRoom(name, mount.FreeBytes, mount.TotalBytes, mount.Kind);
            }
        }
    }
}
