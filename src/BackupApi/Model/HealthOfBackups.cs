using System.Globalization;
using BackupApi.Model.Timing;

namespace BackupApi.Model;

/// <summary>The part of health that asks whether backups come, and how the last one went.</summary>
internal static class HealthOfBackups
{
    public static IEnumerable<HealthReason> Judge(HealthFacts facts) => [.. Freshness(facts), .. Schedule(facts), .. LastAttempt(facts), .. Old(facts), .. Size(facts), .. Locked(facts)];

    /// <summary>When a backup was last known to be what storage holds.</summary>
    public static DateTimeOffset CurrentAt(Backup backup) => backup.ConfirmedAt is { } confirmed && confirmed > backup.CreatedAt ? confirmed : backup.CreatedAt;

    private static IEnumerable<HealthReason> Freshness(HealthFacts facts)
    {
        if (facts.Timetable is not { Rules.Count: > 0 } timetable)
        {
            yield break;
        }

        if (facts.Backups.FirstOrDefault(b => b.IsProven) is { } newest)
        {
            var freshAt = CurrentAt(newest);
            var until = timetable.FreshUntil(freshAt);
            if (facts.Now > until)
            {
                yield return new HealthReason(
                    "proven-backup-too-old",
                    HealthStatus.Unhealthy,
                    string.Create(CultureInfo.InvariantCulture, $"The newest proven backup, {newest.Name}, is {(facts.Now - freshAt).TotalHours:F1} hours old; {(until.Value - freshAt).TotalHours:F1} are allowed."),
                    "Look at the last operations (GET /api/operations) for why newer ones failed.",
                    until);
            }

            yield break;
        }

        var first = timetable.NextAfter(facts.StartedAt);
        var hadItsChance = facts.Now > first || facts.LastAttempt is { Outcome: Outcome.Failed or Outcome.Partial };
        yield return hadItsChance
            ? new HealthReason("no-proven-backup", HealthStatus.Unhealthy, "There is no proven backup.", "Ask for one (POST /api/backup/create) and read what its answer says.", facts.StartedAt)
            : new HealthReason("no-backup-yet", HealthStatus.Degraded, "No backup was proven yet; the service started a short while ago.", "Wait for the first backup, or ask for one: POST /api/backup/create.", facts.StartedAt);
    }

    private static IEnumerable<HealthReason> Locked(HealthFacts facts)
    {
        var locked = facts.Backups.Where(b => b.IsLocked).ToList();
        if (locked.Count > 0)
        {
            yield return new HealthReason(
                "archives-locked",
                HealthStatus.Degraded,
                string.Create(CultureInfo.InvariantCulture, $"{locked.Count} of {facts.Backups.Count} archives are encrypted, and no passphrase opens them; the newest is {locked[0].Name}."),
                "Add the passphrase they were made with as a further line of BACKUP_PASSPHRASE_FILE, then start again; or delete them.",
                null);
        }
    }

    /// <summary>Asks the timetable itself, not the scheduler that should have kept it.</summary>
    private static IEnumerable<HealthReason> Schedule(HealthFacts facts)
    {
        if (facts.IsPaused)
        {
            yield return new HealthReason("schedule-paused", HealthStatus.Degraded, "Scheduled backups are paused.", "Let them go on: POST /api/schedule/resume.", facts.ScheduledSince);
        }

        var since = facts.LastBegunAt > facts.ScheduledSince ? facts.LastBegunAt.Value : facts.ScheduledSince;
        if (facts is { Timetable: { } timetable, IsBackingUp: false } && timetable.NextAfter(since) is { } due && facts.Now > timetable.BeginOf(due) + Timetable.Grace)
        {
            yield return new HealthReason(
                "overdue",
                HealthStatus.Degraded,
                string.Create(CultureInfo.InvariantCulture, $"A backup was due at {due:yyyy-MM-dd HH:mm} UTC and was not begun."),
                "Ask for one (POST /api/backup/create); if the next is late too, restart the service and report it.",
                timetable.BeginOf(due));
        }
    }

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

    /// <summary>What the watch over alarms, older backups and drills found.</summary>
    private static IEnumerable<HealthReason> Old(HealthFacts facts) =>
    [
        .. facts.Alarms.Select(a => new HealthReason(
            "suspicious-change", HealthStatus.Degraded, a.Message, $"If that is as it should be: POST /api/alarms/{a.Id}/acknowledge. If not, {a.PinnedBackup ?? "no backup"} holds the state before.", a.At) { Subject = a.Id }),
        .. facts.Backups.Where(b => b is { IsOurs: true, Damage: not null }).Select(b => new HealthReason(
            "backup-damaged", HealthStatus.Degraded, $"{b.Name} is damaged: {b.Damage}", "Look at the disk that holds the backups; delete this one once newer ones are proven.", b.DamagedAt ?? b.VerifiedAt) { Subject = b.Name }),
        .. facts.LastDrill is { Outcome: Outcome.Failed } drill && facts.Backups.Any(b => b.Name == drill.Backup)
            ? [new HealthReason("drill-failed", HealthStatus.Unhealthy, $"A rehearsal of restoring {drill.Backup} failed: {drill.Message}", "Take a new backup now (POST /api/backup/create) and rehearse it (POST /api/backup/{name}/drill).", drill.At) { Subject = drill.Backup }]
            : Array.Empty<HealthReason>(),
    ];

    private static IEnumerable<HealthReason> Size(HealthFacts facts)
    {
        if (facts.MaxArchiveBytes is { } limit && facts.Backups.FirstOrDefault(b => b is { IsOurs: true, IsSafety: false }) is { } newest && newest.SizeBytes > limit)
        {
            yield return new HealthReason(
                "archive-too-large",
                HealthStatus.Degraded,
                string.Create(CultureInfo.InvariantCulture, $"{newest.Name} takes {newest.SizeBytes >> 20} MB; {limit >> 20} MB are the largest size that is kept, so it goes as soon as a newer one is proven."),
                "Raise Backup__Retention__MaxArchiveMegabytes, or move out of storage what need not be backed up.",
                null);
        }
    }
}
