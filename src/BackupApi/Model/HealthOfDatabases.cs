using System.Globalization;

namespace BackupApi.Model;

/// <summary>The part of health that looks at each live database.</summary>
internal static class HealthOfDatabases
{
    public static IEnumerable<HealthReason> Judge(HealthFacts facts) => [.. facts.Databases.SelectMany(d => State(d, facts)), .. Logs(facts), .. Network(facts)];

    private static IEnumerable<HealthReason> State(DatabaseFacts database, HealthFacts facts)
    {
        if (database is { Errors: [var error, ..], LastCapturedAt: not null })
        {
            yield return new HealthReason(
                "database-damaged",
                HealthStatus.Unhealthy,
                $"{database.Name} is damaged{(database.DamagedSince is { } since ? $" since {since}" : "")}: {error.Where}: {error.Message}",
                database.LastProvenIn is { } good ? $"It was last whole in {good}, which is kept: restore it from there, or repair it and back up." : "It was never whole in a backup: repair it with the tools of its kind, then back up.",
                null)
            { Subject = database.Name };
        }

        var proven = facts.Backups.FirstOrDefault(b => b.Name == database.LastProvenIn);
        var goodAt = proven is null ? facts.StartedAt : HealthOfBackups.CurrentAt(proven);
        if (facts.Timetable?.FreshUntil(goodAt) is { } until && facts.Now > until)
        {
            yield return new HealthReason(
                "database-backup-too-old",
                HealthStatus.Unhealthy,
                string.Create(CultureInfo.InvariantCulture, $"{database.Name} was {(proven is null ? "never captured whole" : $"last captured whole in {proven.Name}, {(facts.Now - goodAt).TotalHours:F1} hours ago")}."),
                "GET /api/databases says why; a source that stays too busy may need a quieter hour.",
                until)
            { Subject = database.Name };
        }
    }

    private static IEnumerable<HealthReason> Logs(HealthFacts facts) => facts.LargeLogs.Select(log => new HealthReason(
        "log-not-checkpointed",
        HealthStatus.Degraded,
        string.Create(CultureInfo.InvariantCulture, $"The {(log.Engine == "sqlite" ? "write-ahead log" : "log")} of {log.Database} has grown to {log.Bytes >> 20} MB and is not brought in."),
        "Its owner must checkpoint: end long readers, or run PRAGMA wal_checkpoint(TRUNCATE) or Checkpoint() there.",
        null)
    { Subject = log.Database });

    private static IEnumerable<HealthReason> Network(HealthFacts facts) => facts.OnNetwork.Select(found => new HealthReason(
        "database-on-network",
        HealthStatus.Degraded,
        $"{found.Where} lies on {found.Message}, where the locks of SQLite do not hold between machines.",
        "Keep databases on a local disk; sqlite.org/useovernet.html says why.",
        null)
    { Subject = found.Where });
}
