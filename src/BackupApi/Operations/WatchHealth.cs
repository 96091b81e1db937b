using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Alerts;

namespace BackupApi.Operations;

/// <summary>Gathers what health is judged by, and keeps the judgement in memory, so that asking costs nothing and touches no disk.</summary>
internal sealed class WatchHealth(
    ServiceSettings settings,
    BackupCatalog catalog,
    DatabaseChecks databases,
    OperationLedger ledger,
    RestoreFolderState restoreFolder,
    Restore.Doubt doubt,
    ScheduleState schedule,
    WatchLogs logs,
    WatchClock wallClock,
    WatchChange alarms,
    DrillRestore drill,
    AlertDesk desk,
    TimeProvider clock)
{
    private readonly DateTimeOffset startedAt = clock.GetUtcNow();
    private readonly Lock refreshing = new();
    private Dictionary<string, DateTimeOffset> firstSeen = new(StringComparer.Ordinal);
    private volatile HealthReport? report;

    /// <summary>The last judgement.</summary>
    public HealthReport Current => (report ?? Refresh()) with { NextScheduledAt = schedule.NextAt, Zone = schedule.Zone, Running = ledger.FindRunning() };

    /// <summary>Looks at disks, logs and records again. What cannot be seen is a reason, not a failure.</summary>
    public HealthReport Refresh()
    {
        lock (refreshing)
        {
            var facts = Gather();
            var reasons = HealthRules.Judge(facts).ToList();
            firstSeen = reasons.GroupBy(KeyOf, StringComparer.Ordinal).ToDictionary(g => g.Key, g => firstSeen.GetValueOrDefault(g.Key, facts.Now), StringComparer.Ordinal);
            return report = new HealthReport
            {
                Status = HealthRules.Worst(reasons),
                Reasons = [.. reasons.OrderByDescending(r => r.Severity).Select(r => r with { Since = r.Since ?? firstSeen[KeyOf(r)] })],
                CheckedAt = facts.Now,
                BackupCount = facts.Backups.Count,
                LatestBackup = facts.Backups.Count > 0 ? facts.Backups[0] : null,
                LatestProven = facts.Backups.FirstOrDefault(b => b.IsProven),
                TotalBytes = facts.Backups.Sum(b => b.SizeBytes),
                Disks = facts.Disks,
                Databases = facts.Databases,
                Waiting = facts.Waiting,
                LastDrill = facts.LastDrill,
            };
        }
    }

    private static string KeyOf(HealthReason reason) => $"{reason.Code} {reason.Subject}";

    private HealthFacts Gather()
    {
        var now = clock.GetUtcNow();
        var backups = catalog.List();
        var attempts = ledger.List().Where(o => o.Kind == OperationKind.Backup).ToList();
        var known = databases.List();
        var plan = schedule.Plan;
        return new HealthFacts
        {
            Now = now,
            StartedAt = startedAt,
            Timetable = plan.IsRunning ? schedule.Timetable : null,
            ScheduledSince = schedule.Since,
            IsPaused = plan is { Enabled: true, Paused: true },
            StorageExists = Directory.Exists(settings.StoragePath),
            BackupsWritable = Posix.IsWritable(settings.BackupsPath),
            MinFreeBytes = settings.MinFreeBytes,
            Thresholds = settings.Health,
            Disks = [.. Disks()],
            Backups = backups,
            Databases = known,
            OnNetwork = [.. OnNetwork(known)],
            LargeLogs = logs.Look(known, now),
            ClockJump = wallClock.Look(backups),
            LastAttempt = attempts.Find(o => o is { State: OperationState.Ended, Fault: not Fault.Cancelled, Outcome: not Outcome.Skipped }),
            LastBegunAt = attempts.Find(o => o.State != OperationState.Waiting && o.Outcome != Outcome.Skipped)?.StartedAt,
            IsBackingUp = attempts.Exists(o => o.State == OperationState.Running),
            Alarms = alarms.Standing(),
            LastDrill = drill.Last,
            FailingChannels = desk.Failing,
            MaxArchiveBytes = settings.Retention.MaxArchiveBytes,
            Waiting = restoreFolder.Waiting,
            Staged = restoreFolder.Staged,
            FailedRestores = restoreFolder.Failed,
            Undecided = [.. restoreFolder.Undecided.Where(wound => !backups.Any(b => b.CreatedAt > startedAt && b.Sources.Any(s => s.Name == wound.Where && s.IsProven)))],
            ReadOnlyReason = restoreFolder.ReadOnlyReason ?? doubt.Reason,
        };
    }

    private IEnumerable<DiskRoom> Disks() =>
        from folder in new (string Name, string Path)[] { ("storage", settings.StoragePath), ("backups", settings.BackupsPath), ("restore", settings.RestorePath) }
        let mount = FindMount(folder.Path)
        where mount is not null
        select new DiskRoom(folder.Name, mount.FreeBytes, mount.TotalBytes, mount.Kind);

    private IEnumerable<Finding> OnNetwork(IReadOnlyList<DatabaseFacts> known) =>
        from database in known
        where database.Engine == "sqlite"
        let mount = FindMount($"{settings.StoragePath}/{ShownName.Parse(database.Name)}")
        where mount is { IsNetwork: true }
        select new Finding(database.Name, mount.Kind);

    private static MountFacts? FindMount(string path)
    {
        try
        {
            return MountFacts.Of(path);
        }
        catch (PosixException)
        {
            return null;
        }
    }
}
