using System.Globalization;

namespace BackupApi.Model;

/// <summary>Judges health. Pure: every code with its threshold is listed in docs/HEALTH.md.</summary>
internal static class HealthRules
{
    /// <summary>A backup dated further ahead of our clock than this comes from another clock.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    public static IEnumerable<HealthReason> Judge(HealthFacts facts) =>
    [
        .. HealthOfBackups.Judge(facts), .. HealthOfDatabases.Judge(facts), .. Folders(facts), .. Room(facts), .. Restores(facts), .. Clocks(facts), .. Channels(facts),
    ];

    public static HealthStatus Worst(IReadOnlyList<HealthReason> reasons) =>
        reasons.Count == 0 ? HealthStatus.Healthy : reasons.Max(r => r.Severity);

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
            yield return new HealthReason("read-only", HealthStatus.Unhealthy, facts.ReadOnlyReason, "Restore a backup by name (POST /api/backup/restore), with 'force' where that is refused; that ends this state.", null);
        }
        else if (facts.Databases.FirstOrDefault(database => database is { Errors.Count: > 0, LastCapturedAt: not null }) is { } damaged)
        {
            yield return new HealthReason(
                "read-only",
                HealthStatus.Unhealthy,
                $"{damaged.Name} is damaged, so this service writes nothing to storage by itself while it runs.",
                damaged.LastProvenIn is { } good
                    ? $"POST /api/backup/restore with backupName '{good}' and paths ['{damaged.Name}'] ends this state; or repair it, then POST /api/databases/verify."
                    : "Repair it, then POST /api/databases/verify: that ends this state.",
                null);
        }
    }

    private static IEnumerable<HealthReason> Room(HealthFacts facts) =>
        from disk in facts.Disks
        where disk.FreeBytes < Math.Max(facts.Thresholds.LowRoomBytes, facts.MinFreeBytes)
        let isBelowFloor = disk.FreeBytes < facts.MinFreeBytes
        select new HealthReason(
            isBelowFloor ? "disk-full" : disk.FreeBytes < facts.Thresholds.VeryLowRoomBytes ? "disk-very-low" : "disk-low",
            isBelowFloor ? HealthStatus.Unhealthy : HealthStatus.Degraded,
            string.Create(CultureInfo.InvariantCulture, $"{disk.FreeBytes >> 20} MB are free for {disk.Folder}."),
            "Free some room on that disk, or lower MAX_BACKUPS.",
            null)
        { Subject = disk.Folder };

    private static IEnumerable<HealthReason> Restores(HealthFacts facts) =>
    [
        .. facts.Undecided.Select(f => new HealthReason("database-undecided", HealthStatus.Unhealthy, $"{f.Where}: {f.Message}", "Decide by the call that the message names; a later backup in which this database is proven ends this too.", null) { Subject = f.Where }),
        .. facts.FailedRestores.Select(f => new HealthReason("restore-failed", HealthStatus.Degraded, $"{f.Where} was not restored: {f.Message}", "Read the .reason.txt beside it in restore/failed, then remove both.", null) { Subject = f.Where }),
        .. facts.Staged.Select(f => new HealthReason("restore-waiting", HealthStatus.Degraded, $"The restore of {f.Where} waits for the next start: {f.Message}", "Restart this service together with the application, or ask for the restore with 'force'; a later restore calls it off.", null) { Subject = f.Where }),
        .. facts.Waiting.Select(f => new HealthReason("restore-waiting", HealthStatus.Degraded, $"{f.Where} waits in the restore folder: {f.Message}", "Stop what uses storage, then restart this service; or remove the file.", null) { Subject = f.Where }),
    ];

    private static IEnumerable<HealthReason> Channels(HealthFacts facts) => facts.FailingChannels.Select(c => new HealthReason(
        "alert-channel-failing", HealthStatus.Degraded, $"The alert channel {c.Channel} does not take alerts: {c.Error}", "Check its settings, then POST /api/alerts/test.", c.Since)
    { Subject = c.Channel });

    private static IEnumerable<HealthReason> Clocks(HealthFacts facts)
    {
        if (facts.ClockJump is { } jump)
        {
            yield return new HealthReason(
                "clock-jumped",
                HealthStatus.Degraded,
                string.Create(CultureInfo.InvariantCulture, $"The clock was set {(jump.By > TimeSpan.Zero ? "forward" : "back")} by {jump.By.Duration().TotalMinutes:F0} minutes, or the machine slept."),
                "Check the machine's time; this ends with the next proven backup.",
                jump.At);
        }

        if (facts.Backups.FirstOrDefault(b => b.IsOurs && b.CreatedAt - facts.Now > Ahead) is { } future)
        {
            yield return new HealthReason(
                "archive-from-the-future",
                HealthStatus.Degraded,
                string.Create(CultureInfo.InvariantCulture, $"{future.Name} is dated {future.CreatedAt:yyyy-MM-dd HH:mm} UTC, which is still to come."),
                "Check the machine's time. If that is right, the archive was made by a wrong clock: delete it once newer ones are proven.",
                null)
            { Subject = future.Name };
        }
    }
}
