using System.Collections.Concurrent;
using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Catalog;

/// <summary>What backups there are in one folder. A cache: always rebuilt from the archives, and from what lies beside them.</summary>
/// <remarks>Reads are answered from memory and may come from any thread; a look at the folder and a single change may come beside each other.</remarks>
/// <param name="folder">The backups folder.</param>
/// <param name="readArchive">Reads manifest and report of an archive; nulls for one that carries none of ours.</param>
internal sealed class BackupCatalog(string folder, Func<string, CancellationToken, Task<(Manifest? Manifest, Report? Report)>> readArchive) : IDisposable
{
    private const string StateEnding = ".state.json";

    private static readonly string[] PlainEndings = [".tar.gz", ".tgz", ".tar", ".zip", ".tar.bz2"];

    private static readonly string[] ArchiveEndings = [.. PlainEndings, .. PlainEndings.Select(ending => ending + BackupName.EncryptedEnding)];

    private readonly ConcurrentDictionary<string, Backup> backups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Fingerprint> seen = new(StringComparer.Ordinal);
    /// <summary>What is known of encrypted archives. Their state files do not hold what only the archives themselves may tell: names, counts, findings.</summary>
    private readonly ConcurrentDictionary<string, BackupState> inMemoryOnly = new(StringComparer.Ordinal);

    private readonly SemaphoreSlim refreshing = new(1);

    /// <summary>A pin set by a person may meet an operation's own record of the same archive: what one reads and writes is not parted by the other.</summary>
    private readonly Lock changing = new();

    /// <summary>Newest first: by sequence number, then by date and name for archives that carry none.</summary>
    public IReadOnlyList<Backup> List() =>
        [.. backups.Values.OrderByDescending(b => b.Sequence).ThenByDescending(b => b.CreatedAt).ThenByDescending(b => b.Name, StringComparer.Ordinal)];

    public Backup? Find(string name) => backups.GetValueOrDefault(name);

    public string PathOf(string name) => Path.Combine(folder, name);

    /// <summary>The highest sequence number any archive here carries; 0 when none does.</summary>
    public long HighestSequence => backups.IsEmpty ? 0 : backups.Values.Max(b => b.Sequence);

    /// <summary>Looks at the folder again: learns what is new or changed, forgets what is gone. Costs a listing where nothing did.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        await refreshing.WaitAsync(ct);
        try
        {
            await LookAsync(ct);
        }
        finally
        {
            refreshing.Release();
        }
    }

    public void Dispose() => refreshing.Dispose();

    private async Task LookAsync(CancellationToken ct)
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in Posix.ListNames(folder).Where(IsArchive))
        {
            if (Posix.FindStat(PathOf(name)) is { Kind: FileKind.File } stat)
            {
                present.Add(name);
                if (seen.TryGetValue(name, out var before) && before == stat.Fingerprint)
                {
                    continue;
                }

                var (state, isLocked) = await ReadStateAsync(name, stat, ct);
                seen[name] = stat.Fingerprint;
                backups[name] = Describe(name, stat, state) with { IsLocked = isLocked };
            }
        }

        foreach (var gone in backups.Keys.Where(name => !present.Contains(name)))
        {
            Forget(gone);
        }
    }

    private async Task<(BackupState State, bool IsLocked)> ReadStateAsync(string name, FileStat stat, CancellationToken ct)
    {
        var state = LoadState(name);
        if (state.Fits(stat) && (state.Manifest is not null || (state.Sha256 is not null && !BackupName.IsEncrypted(name))))
        {
            return (state, false);
        }

        state = (state.Fits(stat) ? state : new BackupState { Pins = state.Pins }).ReadFrom(stat);
        try
        {
            var (manifest, report) = await readArchive(PathOf(name), ct);
            state = state with { Manifest = manifest, Report = report };
            Remember(name, state);
            return (state, false);
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveLocked)
        {
            return (state, true);
        }
    }

    /// <summary>Records what is known of an archive, beside it and in memory.</summary>
    /// <exception cref="IOException">The state file could not be written; memory holds it all the same.</exception>
    public Backup Record(string name, Func<BackupState, BackupState> change)
    {
        lock (changing)
        {
            var stat = Posix.Stat(PathOf(name));
            var state = change(LoadState(name)).ReadFrom(stat);
            var backup = Describe(name, stat, state) with { IsLocked = backups.GetValueOrDefault(name)?.IsLocked == true && state.Manifest is null };
            seen[name] = stat.Fingerprint;
            backups[name] = backup;
            Remember(name, state);
            AtomicFile.Write(StatePath(name), JsonSerializer.SerializeToUtf8Bytes(BackupName.IsEncrypted(name) ? state.WithoutContents() : state, Json.Indented));
            return backup;
        }
    }

    /// <summary>Removes an archive and what lies beside it. The archive goes first: a kill in between leaves a state file that belongs to nothing.</summary>
    public void Remove(string name)
    {
        Posix.Unlink(PathOf(name));
        Forget(name);
        if (Posix.FindStat(StatePath(name)) is not null)
        {
            Posix.Unlink(StatePath(name));
        }

        Posix.FlushFolder(folder);
    }

    /// <summary>Removes state files whose archive is gone.</summary>
    public void RemoveOrphanedStates()
    {
        foreach (var name in Posix.ListNames(folder).Where(name => name.EndsWith(StateEnding, StringComparison.Ordinal)))
        {
            var stem = name[..^StateEnding.Length];
            if (stem.StartsWith("backup_", StringComparison.Ordinal) && !ArchiveEndings.Any(ending => Posix.FindStat(PathOf(stem + ending)) is not null))
            {
                Posix.Unlink(PathOf(name));
            }
        }
    }

    public static bool IsArchive(string name) => Array.Exists(ArchiveEndings, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) && name[0] != '.';

    private string StatePath(string name) => PathOf(ArchiveEndings.First(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is var ending
        ? name[..^ending.Length] + StateEnding
        : name + StateEnding);

    private BackupState LoadState(string name)
    {
        try
        {
            using var file = Posix.OpenRead(StatePath(name));
            var content = new byte[RandomAccess.GetLength(file)];
            var length = RandomAccess.Read(file, content, 0);
            var state = JsonSerializer.Deserialize<BackupState>(content.AsSpan(0, length), Json.Options) ?? new BackupState();
            return inMemoryOnly.TryGetValue(name, out var known) ? state.WithContentsOf(known) : state;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return inMemoryOnly.GetValueOrDefault(name) ?? new BackupState();
        }
    }

    private void Forget(string name)
    {
        backups.TryRemove(name, out _);
        seen.TryRemove(name, out _);
        inMemoryOnly.TryRemove(name, out _);
    }

    private void Remember(string name, BackupState state)
    {
        if (BackupName.IsEncrypted(name))
        {
            inMemoryOnly[name] = state;
        }
    }

    private Backup Describe(string name, FileStat stat, BackupState state)
    {
        var damage = state.Damage ?? (state.Manifest is not null && state.Report is null ? "Its end is missing: the archive was cut or is still being copied." : null);
        return new Backup
        {
            Name = name,
            Path = PathOf(name),
            SizeBytes = stat.Size,
            Sequence = state.Manifest?.Sequence ?? 0,
            CreatedAt = state.Manifest?.CreatedAt ?? BackupName.FindDate(name) ?? stat.Modified.ToDateTimeOffset(),
            Label = state.Manifest?.Label,
            Trigger = state.Manifest?.Trigger ?? Trigger.Manual,
            Outcome = damage is not null ? Outcome.Failed : state.Report?.Outcome ?? Outcome.Ok,
            Verification = damage is not null ? VerificationLevel.None
                : state.DrilledAt is not null && state.Report?.Proven == true ? VerificationLevel.Drill
                : state.Report?.Verification ?? VerificationLevel.None,
            IsProven = damage is null && state.Report?.Proven == true,
            IsOurs = state.Manifest is not null,
            Sha256 = state.Sha256,
            Pins = state.Pins,
            ConfirmedAt = state.ConfirmedAt,
            VerifiedAt = state.VerifiedAt,
            Damage = damage,
            DamagedAt = damage is null ? null : state.DamagedAt,
            Sources = state.Manifest?.Sources ?? [],
            Warnings = state.Report?.Warnings ?? [],
            Errors = state.Report?.Errors ?? [],
            Skipped = state.Report?.Skipped ?? [],
            TreeDigest = state.TreeDigest,
            WalkedAt = state.WalkedAt,
            Memory = state.Memory,
            FullReadAt = state.FullReadAt,
            ContentBytes = state.Report?.ContentBytes ?? 0,
        };
    }
}
