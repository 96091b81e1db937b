using System.Globalization;
using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What self-healing must know of earlier runs: where storage was, and what was brought back when. Losing it makes healing more careful, never less.</summary>
internal sealed class HealMemory(WorkFolders folders)
{
    private State? state;

    private string FilePath => $"{folders.State}/heal.json";

    /// <summary>The same folder on the same kind of file system, made at the same moment. The device's number may change when the machine starts; the inode does not, but every ext4 has the same for its root.</summary>
    public bool IsPlaceOfLastRun(FileStat root) => Load().Place == PlaceOf(root);

    public void RememberPlace(FileStat root)
    {
        try
        {
            Save(Load() with { Place = PlaceOf(root) });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start knows the place of an earlier one, or none: it is the more careful.
        }
    }

    /// <summary>Whether a database was brought back after <paramref name="newest"/> was taken: this disappearance was answered already.</summary>
    public bool WasHealedSince(string name, Backup newest) =>
        Load().HealedAfter.TryGetValue(name, out var after) ? after >= newest.Sequence : Load().HealedAt.TryGetValue(name, out var at) && at > newest.CreatedAt;

    /// <summary>How often that was tried since <paramref name="newest"/> was taken, whatever came of it.</summary>
    public int AttemptsSince(string name, Backup newest) =>
        Load().Attempts.TryGetValue(name, out var tried) && (tried.After is { } after ? after >= newest.Sequence : tried.At > newest.CreatedAt) ? tried.Count : 0;

    /// <summary>Before the healing, so that one that ends the process is not tried for ever.</summary>
    public void RememberAttempt(string name, Backup newest, DateTimeOffset at) =>
        Save(Load() with { Attempts = new Dictionary<string, Attempt>(Load().Attempts, StringComparer.Ordinal) { [name] = new(at, AttemptsSince(name, newest) + 1, newest.Sequence) } });

    /// <summary>After it.</summary>
    /// <param name="after">The highest sequence number that had been given: what is taken later sees the database as it was brought back.</param>
    public void RememberHealing(string name, long after, DateTimeOffset at) => Save(Load() with
    {
        HealedAt = new Dictionary<string, DateTimeOffset>(Load().HealedAt, StringComparer.Ordinal) { [name] = at },
        HealedAfter = new Dictionary<string, long>(Load().HealedAfter, StringComparer.Ordinal) { [name] = after },
    });

    /// <summary>It came to its end, and nothing came of it: it may be tried again.</summary>
    public void ForgetAttempts(string name) =>
        Save(Load() with { Attempts = Load().Attempts.Where(tried => tried.Key != name).ToDictionary(tried => tried.Key, tried => tried.Value, StringComparer.Ordinal) });

    private string PlaceOf(FileStat root) => Posix.FindBirth(folders.Storage) is { } born
        ? string.Create(CultureInfo.InvariantCulture, $"{MountFacts.Of(folders.Storage).Kind}:{root.Inode}:{born.Seconds}.{born.Nanoseconds}")
        : string.Create(CultureInfo.InvariantCulture, $"{MountFacts.Of(folders.Storage).Kind}:{root.Inode}");

    private State Load()
    {
        try
        {
            return state ??= File.Exists(FilePath) ? JsonSerializer.Deserialize<State>(File.ReadAllBytes(FilePath), Json.Options) ?? new State() : new State();
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return state = new State();
        }
    }

    private void Save(State changed)
    {
        if (changed == state)
        {
            return;
        }

        state = changed;
        Directory.CreateDirectory(folders.State);
        AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(changed, Json.Indented));
    }

    private sealed record State
    {
        public string? Place { get; init; }

        public Dictionary<string, DateTimeOffset> HealedAt { get; init; } = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);

        /// <summary>By sequence numbers: a clock that was set back must not let a database be healed at every start.</summary>
        public Dictionary<string, long> HealedAfter { get; init; } = new Dictionary<string, long>(StringComparer.Ordinal);

        public Dictionary<string, Attempt> Attempts { get; init; } = new Dictionary<string, Attempt>(StringComparer.Ordinal);
    }

    private sealed record Attempt(DateTimeOffset At, int Count, long? After = null);
}
