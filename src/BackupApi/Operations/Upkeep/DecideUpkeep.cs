using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Model.Timing;

namespace BackupApi.Operations.Upkeep;

/// <summary>Decides which upkeep is due. What was done is remembered over restarts, so that a time comes once.</summary>
internal sealed class DecideUpkeep(ServiceSettings settings, WorkFolders folders, TimeProvider clock)
{
    /// <summary>How soon a database that was in use is looked at again.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, DateTimeOffset> resting = new(StringComparer.Ordinal);
    private Dictionary<string, Done>? done;

    private string Path => $"{folders.State}/upkeep.json";

    /// <summary>Null when nothing is due. Asked by one at a time.</summary>
    public UpkeepTask? Next()
    {
        var now = clock.GetUtcNow();
        return settings.Upkeep
            .Where(rule => !(resting.TryGetValue(rule.Database, out var until) && now < until))
            .Select(rule => new UpkeepTask(rule.Database, Due(rule.Vacuum, DoneFor(rule.Database).Vacuum, now), Due(rule.Analyze, DoneFor(rule.Database).Analyze, now)))
            .FirstOrDefault(task => (task.Vacuum ?? task.Analyze) is not null);
    }

    /// <summary>It was done, or failed in a way that an hour will not mend: its next time is the one after.</summary>
    public void Settle(UpkeepTask task)
    {
        var last = DoneFor(task.Database);
        done = new Dictionary<string, Done>(Load(), StringComparer.Ordinal) { [task.Database] = new Done(task.Vacuum ?? last.Vacuum, task.Analyze ?? last.Analyze, last.Refused) };
        Store(done);
    }

    /// <summary>The database is in use: it is looked at again a little later, until its window ends.</summary>
    /// <returns>Whether this is the first refusal of this time, which history should tell.</returns>
    public bool Refuse(UpkeepTask task)
    {
        resting[task.Database] = clock.GetUtcNow() + Rest;
        var (last, due) = (DoneFor(task.Database), task.Vacuum ?? task.Analyze);
        if (last.Refused == due)
        {
            return false;
        }

        done = new Dictionary<string, Done>(Load(), StringComparer.Ordinal) { [task.Database] = last with { Refused = due } };
        Store(done);
        return true;
    }

    /// <summary>The latest time of a rule whose window is open, unless it was settled.</summary>
    private DateTimeOffset? Due(ScheduleRule? rule, DateTimeOffset? settled, DateTimeOffset now)
    {
        DateTimeOffset? due = null;
        for (var next = rule?.NextAfter(now - settings.UpkeepWindow, settings.TimeZone); next <= now; next = rule!.NextAfter(next.Value, settings.TimeZone))
        {
            due = next;
        }

        return settled >= due ? null : due;
    }

    private Done DoneFor(string database) => Load().GetValueOrDefault(database) ?? new Done(null, null, null);

    private void Store(Dictionary<string, Done> all) => AtomicFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(all, Json.Indented));

    private Dictionary<string, Done> Load()
    {
        try
        {
            return done ??= File.Exists(Path) ? JsonSerializer.Deserialize<Dictionary<string, Done>>(File.ReadAllBytes(Path), Json.Options) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return done = [];
        }
    }

    /// <summary>Up to which times a database was looked after, and for which it was refused.</summary>
    private sealed record Done(DateTimeOffset? Vacuum, DateTimeOffset? Analyze, DateTimeOffset? Refused);
}
