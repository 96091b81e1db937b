using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Removes what the retention plan says, and nothing else.</summary>
internal sealed partial class ApplyRetention(ServiceSettings settings, BackupCatalog catalog, TimeProvider clock, ILogger<BackupManager> log)
{
    /// <summary>Proven backups that rotation leaves when it must make room before a backup.</summary>
    public const int ProvenKeptForRoom = 2;

    public RetentionPlan Plan() =>
        new RetentionPolicy(settings.MaxBackups, settings.MaxSafetyBackups) { Rules = settings.Retention, TimeZone = settings.TimeZone }.Plan(catalog.List(), clock.GetUtcNow());

    /// <summary>Removes each backup the plan gives up, logging the rule. A kill in between leaves the rest to the next run. Gives the names removed.</summary>
    public IReadOnlyList<string> Run()
    {
        var removed = new List<string>();
        foreach (var decision in Plan().Decisions.Where(d => !d.Keep && catalog.Find(d.Backup.Name) is { Pins.Count: 0 }))
        {
            catalog.Remove(decision.Backup.Name);
            removed.Add(decision.Backup.Name);
            var reason = string.Join("; ", decision.Reasons);
            LogRemoved(log, decision.Backup.Name, reason);
        }

        return removed;
    }

    /// <summary>Makes room for a backup that would not fit: oldest first, never below the <see cref="ProvenKeptForRoom"/> newest proven ones, never what a rule protects; and nothing at all where even that would not be enough.</summary>
    /// <param name="spare">A backup that stays whatever happens, because the operation is about it; null for none.</param>
    public void MakeRoom(long neededBytes, string? spare = null)
    {
        var newestFirst = catalog.List();
        var untouchable = newestFirst.Where(b => b.IsOurs && b.IsProven).Take(ProvenKeptForRoom).Select(b => b.Name).ToHashSet(StringComparer.Ordinal);
        var protectedByRule = RetentionPolicy.ProtectedOf(newestFirst).Select(b => b.Name).ToHashSet(StringComparer.Ordinal);
        var missing = neededBytes - MountFacts.Of(settings.BackupsPath).FreeBytes;
        var removed = new List<Backup>();
        foreach (var backup in newestFirst.Reverse().Where(b => b.IsOurs && !b.IsSafety && b.Name != spare && !untouchable.Contains(b.Name) && !protectedByRule.Contains(b.Name)).TakeWhile(_ => missing > 0))
        {
            removed.Add(backup);
            missing -= backup.SizeBytes;
        }

        if (missing > 0 || untouchable.Count < ProvenKeptForRoom)
        {
            return;
        }

        foreach (var backup in removed)
        {
            catalog.Remove(backup.Name);
            LogRemoved(log, backup.Name, "room was needed for the next backup");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Rotation removed {Backup}: {Reason}")]
    private static partial void LogRemoved(ILogger logger, string backup, string reason);
}
