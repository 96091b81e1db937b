using System.Text.Json;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What is known of each live database: its last check, and the backups it is in. Kept over restarts; losing it loses no backup.</summary>
internal sealed class DatabaseChecks(WorkFolders folders, BackupCatalog catalog, SourceRoles roles)
{
    private readonly Lock gate = new();
    private Dictionary<string, Check>? checks;

    private string Path => $"{folders.State}/databases.json";

    /// <summary>Remembers what a check of the live databases found.</summary>
    /// <param name="isComplete">All databases were looked at: those not among <paramref name="found"/> are gone.</param>
    public void Record(IReadOnlyList<ManifestSource> found, DateTimeOffset at, bool isComplete)
    {
        lock (gate)
        {
            var known = isComplete ? new Dictionary<string, Check>(StringComparer.Ordinal) : new Dictionary<string, Check>(Load(), StringComparer.Ordinal);
            foreach (var source in found)
            {
                known[source.Name] = new Check(at, source);
            }

            checks = known;
            Directory.CreateDirectory(folders.State);
            AtomicFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(known, Json.Indented));
        }
    }

    /// <summary>Every database as it was last seen, by a backup or by a check, sorted by name.</summary>
    public IReadOnlyList<DatabaseFacts> List()
    {
        var backups = catalog.List();
        var inNewest = (backups.FirstOrDefault(b => b.IsOurs)?.Sources ?? []).Where(s => s.Engine != Source.PlainFiles);
        lock (gate)
        {
            var latest = inNewest.ToDictionary(s => s.Name, StringComparer.Ordinal);
            foreach (var (name, check) in Load())
            {
                if (!latest.TryGetValue(name, out var archived) || archived.CapturedAt is null || check.At > archived.CapturedAt)
                {
                    latest[name] = check.Source;
                }
            }

            return [.. latest.Values.OrderBy(s => s.Name, StringComparer.Ordinal).Select(s => Describe(s, backups))];
        }
    }

    public DatabaseFacts Describe(ManifestSource source) => Describe(source, catalog.List());

    private DatabaseFacts Describe(ManifestSource source, IReadOnlyList<Backup> backups)
    {
        var proven = backups.FirstOrDefault(b => b.Damage is null && b.Sources.Any(s => s.Name == source.Name && s.IsProven));
        return new DatabaseFacts(
            source.Name,
            source.Engine,
            source.Variant,
            source.Bytes,
            source.Files,
            source.CapturedAt,
            proven?.Sources.First(s => s.Name == source.Name).CapturedAt,
            proven?.Name,
            source.Verification,
            source.BestVerification,
            source.Reason,
            source.Total,
            source.Counts,
            source.Errors,
            source.Warnings,
            source.Notes)
        {
            Role = roles.Of(PathText.Parse(source.Name)) ?? source.Role,
            DamagedSince = source is { CapturedAt: not null, Errors.Count: > 0 } ? DamagedSince(source.Name, backups) : null,
        };
    }

    /// <summary>The oldest of the backups, newest first, that have it damaged without a whole one between. Those it is missing from tell nothing.</summary>
    private static string? DamagedSince(string name, IReadOnlyList<Backup> backups)
    {
        string? since = null;
        foreach (var backup in backups.Where(b => b.IsOurs))
        {
            if (backup.Sources.FirstOrDefault(s => s.Name == name) is { CapturedAt: not null } there)
            {
                if (there.Errors.Count == 0)
                {
                    break;
                }

                since = backup.Name;
            }
        }

        return since;
    }

    private Dictionary<string, Check> Load()
    {
        try
        {
            return checks ??= File.Exists(Path) ? JsonSerializer.Deserialize<Dictionary<string, Check>>(File.ReadAllBytes(Path), Json.Options) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return checks = [];
        }
    }

    private sealed record Check(DateTimeOffset At, ManifestSource Source);
}
