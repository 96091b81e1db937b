using System.Globalization;
using BackupApi.Catalog;
using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>At a start, before anybody opens storage: brings back a database that is gone or damaged, from the newest backup in which it was proven.</summary>
/// <remarks>
/// Only what the newest backup still holds (a database that was seen to be gone in a later backup stays gone), only once for each disappearance, only where nobody has storage open,
/// and only in the storage folder of the last run (an absent mount is not an empty storage). What is replaced goes into quarantine first. Never creates an empty database.
/// </remarks>
internal sealed class HealStorage(
    WorkFolders folders,
    FindSources findSources,
    BackupCatalog catalog,
    RestoreBackup restore,
    Quarantine quarantine,
    HealMemory memory,
    PredictRoom room,
    DiskGuard guard,
    LastRestore lastRestore,
    IReadOnlyList<IEngine> engines,
    TimeProvider clock)
{
    /// <summary>Share of the rows a damaged database still shows below which a backup is not taken for better without asking.</summary>
    private const double FewerRows = 0.9;

    /// <summary>A healing that was cut short is begun anew at the next start, up to this often: it may be what ends the service.</summary>
    private const int MaxAttempts = 3;

    public async Task<HealResult> RunAsync(string operationId, HealMode mode, Progress progress, CancellationToken ct)
    {
        if (mode == HealMode.Off || Posix.FindTargetStat(folders.Storage) is not { Kind: FileKind.Directory } root)
        {
            return HealResult.Nothing;
        }

        var isKnownPlace = memory.IsPlaceOfLastRun(root);
        var known = FindKnown();
        if (known.Count == 0)
        {
            memory.RememberPlace(root);
            return HealResult.Nothing;
        }

        progress.Enter("look for damage");
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        var owners = OwnerProbe.Look(tree, static _ => true, ct);
        var (wounds, unseen) = await FindWoundsAsync(operationId, known, tree, owners.State == OwnerState.InUse, ct);

        // A place is learnt only where at least one known database is well: an empty folder must not be taken for storage at the second start either.
        if (wounds.Count < known.Count || wounds.Count == 0)
        {
            memory.RememberPlace(root);
        }

        var blocked = wounds.Count == 0 ? null
            : !isKnownPlace ? "storage is not the folder it was at the last run; check that the right volume is mounted"
            : owners.State == OwnerState.InUse ? $"storage is in use ({owners.Users[0].Where}); stop the application and start this service again"
            : lastRestore.IsLost ? "the record of the last restore cannot be read (last-restore.json in .backupapi of the backups folder), so which backups led to this state is not known; remove it if there was no restore"
            : mode == HealMode.Report ? "AUTO_HEAL is set to report" : null;

        var count = new CountShown(folders, engines, room, guard, clock);
        var healed = new List<Finding>();
        var undecided = new List<Finding>(unseen);
        BackupException? open = null, refused = null;
        foreach (var wound in wounds)
        {
            var stopped = open is null ? blocked : "the journal of another healing is open, and nothing is written to storage until it came to its end";
            var treated = await TreatAsync(wound, stopped, count, $"{operationId}-{healed.Count + undecided.Count}", progress, ct);
            (treated.IsHealed ? healed : undecided).Add(treated.Told);
            open ??= treated.Open;
            refused ??= treated.Refused;
        }

        return new HealResult(healed, undecided) { Open = open, Refused = refused };
    }

    /// <summary>The databases that the newest backup on their line holds: one that a later backup saw to be gone stays gone.</summary>
    private List<KnownDatabase> FindKnown()
    {
        var (all, last) = (catalog.List(), lastRestore.Find());
        return [.. all.Where(backup => backup.IsOurs).SelectMany(backup => backup.Sources).Where(source => source.Engine != Source.PlainFiles).Select(source => source.Name).Distinct(StringComparer.Ordinal)
            .Select(name => (Name: name, Line: BackupLine.Of(all, last, name)))
            .Select(each => (each.Line, Source: each.Line is [var newest, ..] ? newest.Sources.FirstOrDefault(source => source.Name == each.Name && source.Engine != Source.PlainFiles && source.CapturedAt is not null) : null))
            .Where(each => each.Source is not null).Select(each => new KnownDatabase(each.Source!, each.Line)).OrderBy(database => database.Source.Name, StringComparer.Ordinal)];
    }

    /// <summary>Judges quiet copies, as a backup does: a database whose owner is at work must not look damaged.</summary>
    /// <returns>Besides the wounds: why databases could not be looked at, where there is no room for the copies.</returns>
    private async Task<(IReadOnlyList<Wound> Wounds, IReadOnlyList<Finding> Unseen)> FindWoundsAsync(string operationId, List<KnownDatabase> known, StorageTree tree, bool isInUse, CancellationToken ct)
    {
        var live = findSources.In(tree).Where(found => found.Source.Engine != Source.PlainFiles && known.Exists(database => database.Source.Name == PathText.Show(found.Source.Name))).ToList();
        var wounds = known.Where(database => !live.Exists(found => PathText.Show(found.Source.Name) == database.Source.Name))
            .Select(database => new Wound(database, tree.Find(PathText.Parse(database.Source.Name)) is null ? "It is missing." : "It is no longer recognised as a database.", null, null, tree)).ToList();

        try
        {
            guard.Require("The look for damaged databases", [room.OfCopies(tree, live)]);
            wounds.AddRange(await guard.WhileRoomAsync("The look for damaged databases", [folders.Backups], token => FindDamageAsync(operationId, known, live, tree, isInUse, token), ct));
        }
        catch (BackupException e) when (e.Fault == Fault.NoRoom)
        {
            return (wounds, [new Finding("storage", $"Whether its databases are whole was not looked at: {e.Message} {e.Hint}")]);
        }

        return (wounds, []);
    }

    private async Task<IReadOnlyList<Wound>> FindDamageAsync(string operationId, List<KnownDatabase> known, List<FoundSource> live, StorageTree tree, bool isInUse, CancellationToken ct)
    {
        var wounds = new List<Wound>();
        var staging = folders.NewStaging(operationId);
        try
        {
            var capture = new CaptureSources(live, tree, staging);
            await capture.CaptureAsync(new Progress(), ct);
            await capture.SettleAsync(new Progress(), ct);
            for (var i = 0; i < live.Count; i++)
            {
                var captured = capture.Results[i];
                if (captured.Verdict is { IsDamaged: true } verdict && (captured.Capture is not null || !isInUse))
                {
                    var first = verdict.Errors[0];
                    wounds.Add(new Wound(known.First(database => database.Source.Name == PathText.Show(captured.Source.Name)), $"It is damaged: {first.Where}: {first.Message}", live[i], verdict, tree));
                }
            }
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }

        return wounds;
    }

    private async Task<Treated> TreatAsync(Wound wound, string? blocked, CountShown count, string id, Progress progress, CancellationToken ct)
    {
        var name = wound.Source.Name;
        var candidates = wound.Line.Where(backup => backup.Damage is null && backup.Sources.Any(source => source.Name == name && source.IsProven)).ToList();
        if (candidates is not [var from, ..])
        {
            return new(new Finding(name, $"{wound.What} No backup holds a proven copy of it; nothing was changed."));
        }

        var doubt = blocked ?? Doubtful(wound, from);
        if (doubt is null)
        {
            wound = wound with { Shown = await count.RunAsync(wound, from.Sources.First(source => source.Name == name), $"{id}-count", ct) };
            doubt = Doubtful(wound, from);
        }

        if (doubt is { } reason)
        {
            return new(new Finding(name, $"{wound.What} It was not brought back: {reason}. {CallFor(name, from)}."));
        }

        string? place;
        try
        {
            place = quarantine.Keep(wound, from, clock.GetUtcNow());
            memory.RememberAttempt(name, wound.Line[0], clock.GetUtcNow());
        }
        catch (Exception e) when (e is BackupException or IOException)
        {
            var failure = AsFault(e);
            return new(new Finding(name, $"{wound.What} It was not brought back, because what is there could not be kept: {failure.Message} {failure.Hint} {CallFor(name, from)}."), Refused: failure);
        }

        // A candidate whose archive turns out to be damaged gives way to the one before it, while that is no less certainly right.
        var failed = "";
        BackupException? refused = null;
        foreach (var candidate in candidates.TakeWhile(candidate => Doubtful(wound, candidate, isBegun: true) is null))
        {
            try
            {
                await restore.RunAsync(Job($"{id}-{candidate.Sequence}", candidate, name), progress, ct);
                return new(new Finding(name, $"{wound.What} It was brought back from {candidate.Name}{(place is null ? "" : $"; what was there lies in {place}")}.{failed}"), IsHealed: true);
            }
            catch (BackupException e) when (e.Fault == Fault.ReadOnly)
            {
                return new(new Finding(name, $"{wound.What} Bringing it back from {candidate.Name} stopped half way, and its journal is open: {e.Message} {e.Hint}"), Open: e);
            }
            catch (Exception e) when (e is BackupException or IOException)
            {
                var failure = AsFault(e);
                if (!RestoreFolder.LiesInTheArchive(failure.Fault))
                {
                    refused = failure;
                    failed += $" {failure.Message} {failure.Hint}";
                    break;
                }

                failed += $" Not from {candidate.Name}: {failure.Message}";
            }
        }

        Forget(name);
        return new(new Finding(name, $"{wound.What} It could not be brought back.{failed} {CallFor(name, from)}."), Refused: refused);
    }

    private static BackupException AsFault(Exception e) => e as BackupException ?? Errno.ToFault((IOException)e);

    private void Forget(string name)
    {
        try
        {
            memory.ForgetAttempts(name);
        }
        catch (IOException)
        {
            // It counts as an attempt then, of which there are some.
        }
    }

    private static string CallFor(string name, Backup from) =>
        $"POST /api/backup/restore with backupName '{from.Name}' and paths ['{name}'] brings it back as it was at {from.CreatedAt:yyyy-MM-dd HH:mm:ss}Z";

    /// <summary>Why a backup is not certainly better than what is there; null when it is.</summary>
    private string? Doubtful(Wound wound, Backup candidate, bool isBegun = false)
    {
        var newest = wound.Line[0];
        var (shown, unknown) = wound.Shown ?? new Shown(wound.Total(wound.Verdict?.Counts));
        var kept = candidate.Sources.First(source => source.Name == wound.Source.Name);
        return memory.WasHealedSince(wound.Source.Name, newest) ? "it was brought back once since the last backup, and is gone or damaged again"
            : !isBegun && memory.AttemptsSince(wound.Source.Name, newest) >= MaxAttempts ? $"that was begun {MaxAttempts} times since the last backup and never came to its end"
            : kept.Total < shown * FewerRows ? $"the damaged database still shows {shown} entries, and the newest proven backup of it holds {kept.Total}"
            : unknown is not null && kept.Bytes < wound.Bytes * FewerRows ? string.Create(CultureInfo.InvariantCulture, $"how much the damaged database still holds could not be counted ({unknown}), and it has {wound.Bytes} bytes, where the newest proven backup of it holds {kept.Bytes}")
            : null;
    }

    /// <summary>What it replaces lies in quarantine, so no safety backup of all storage is taken, and the way back from the last restore stays what it is.</summary>
    private static RestoreJob Job(string id, Backup from, string name) => new()
    {
        Id = id,
        Kind = OperationKind.Heal,
        Trigger = Trigger.Start,
        Request = new RestoreRequest { BackupName = from.Name, Paths = [name] },
        ArchivePath = from.Path,
        TakeSafety = static _ => Task.FromResult<Backup?>(null),
        AtStart = true,
        IsHealing = true,
    };
}
