using System.Text.Json;
using BackupApi.Archive;
using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A restore from the archive to the check in place. Until its commit point it touches nothing of storage; after it, it goes through, forward or back.</summary>
/// <remarks>Verify, compatibility, room, unpack, engine check, owner check, safety backup, swap, check in place. The safety backup comes last before the swap, so that it misses nothing that was written meanwhile.</remarks>
internal sealed class RestoreBackup(
    WorkFolders folders,
    FindSources findSources,
    AnyArchive archives,
    CheckCompatibility compatibility,
    RestoreRoom room,
    RepairLevelDbLock repairLocks,
    LastRestore lastRestore,
    TimeProvider clock)
{
    private readonly CheckInPlace checkInPlace = new(findSources, folders);

    public Task<RestoreResult> RunAsync(RestoreJob job, Progress progress, CancellationToken ct) => room.WhileRoomAsync(token => GoAsync(job, progress, token), ct);

    private async Task<RestoreResult> GoAsync(RestoreJob job, Progress progress, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        var selection = new SelectPaths(job.Request.Paths);
        var target = job.Request.To is { } to ? UnpackTarget.Require(folders.Storage, to) : null;

        var proof = await ProveAsync(job, progress, ct);
        job = job with { Damaged = [.. (proof.Manifest?.Sources ?? []).Where(source => source.Errors.Count > 0).Select(source => source.Name)] };
        compatibility.Require(proof.Manifest, job.Request.Force);
        room.Require(job.Request, proof.ContentBytes, proof.Entries, withSafety: false);

        var folder = SwapFolder.Create(folders.Storage, job.Id);
        try
        {
            var staged = await StageAsync(job, folder, proof, selection, progress, ct);
            var result = target is null
                ? await PutInPlaceAsync(job, folder, staged, progress, ct)
                : PutBeside(folder, target, staged);
            return result with { BackupName = job.Request.BackupName, Duration = clock.GetElapsedTime(began), Warnings = [.. staged.Warnings, .. result.Warnings] };
        }
        finally
        {
            folder.Discard();
        }
    }

    /// <summary>Takes up a restore that waited for this start, with the tree that was verified then.</summary>
    public async Task<RestoreResult> ApplyStagedAsync(RestoreJob job, SwapFolder folder, Progress progress, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        var tree = TreeWalker.Walk(folder.New, ct: ct);
        var selection = new SelectPaths(job.Request.Paths);
        var (manifest, _) = Posix.FindTargetStat(job.ArchivePath) is null ? (null, null) : await archives.ReadFactsAsync(job.ArchivePath, ct);
        var found = findSources.In(tree);
        var isSelected = selection.Within(found);
        var sources = await CheckUnpacked.RunAsync(tree, found, manifest, job.Damaged, isSelected, job.Request.Force, progress, ct);
        var staged = new StagedTree(tree, sources, isSelected, selection.IsEverything, []);
        var result = await PutInPlaceAsync(job with { AtStart = true }, folder, staged, progress, ct);
        return result with { BackupName = job.Request.BackupName, Duration = clock.GetElapsedTime(began) };
    }

    private async Task<ArchiveProof> ProveAsync(RestoreJob job, Progress progress, CancellationToken ct)
    {
        if (Posix.FindTargetStat(job.ArchivePath) is not { Kind: FileKind.File })
        {
            throw new BackupException(Fault.NotFound, $"There is no backup named {job.Request.BackupName}.", "GET /api/backup/list shows what there is.");
        }

        // Before a long reading: content that cannot fit is told by the manifest already.
        var size = Posix.Stat(job.ArchivePath).Size;
        var (manifest, _) = await archives.ReadFactsAsync(job.ArchivePath, ct);
        room.Require(job.Request, manifest?.ContentBytes ?? 0, manifest?.Entries ?? 0, job.TakesSafety);

        progress.Enter("verify", size);
        var proof = await archives.VerifyAsync(job.ArchivePath, room.Limits(), progress, ct);
        return proof.Errors.Count == 0 ? proof : throw new BackupException(
            proof.Fault,
            $"{job.Request.BackupName} cannot be restored: {proof.Errors[0].Message}",
            "Restore another backup; storage was not touched.");
    }

    private async Task<StagedTree> StageAsync(RestoreJob job, SwapFolder folder, ArchiveProof proof, SelectPaths selection, Progress progress, CancellationToken ct)
    {
        progress.Enter("unpack", proof.ContentBytes, proof.Entries);
        var unpacked = await archives.UnpackAsync(job.ArchivePath, folder.New, room.Limits(), progress, ct);
        if (proof.Manifest is null)
        {
            ForeignTree.StripLeadingFolder(folder, Walk(ct), folders.Storage);
        }

        GiveMemoryBack.BetweenPhases();
        var tree = TreeWalker.Walk(folder.New, static (path, _) => SwapFolder.IsReserved(path), ct);
        var sources = findSources.In(tree);
        if (proof.Manifest is null && selection.IsEverything && job.Request.To is null && !job.Request.Force)
        {
            ForeignTree.RequireFamiliar(job.Request.BackupName, findSources.In(Walk(ct)), sources);
        }

        var isSelected = selection.IsEverything ? static _ => true : selection.Within([.. sources, .. findSources.In(Walk(ct))]);
        if (!selection.IsEverything)
        {
            tree = PruneTree.To(tree, isSelected);
            sources = findSources.In(tree);
        }

        var verified = await CheckUnpacked.RunAsync(tree, sources, proof.Manifest, job.Damaged, isSelected, job.Request.Force, progress, ct);
        return new StagedTree(tree, verified, isSelected, selection.IsEverything, unpacked.NotGivenBack);
    }

    private async Task<RestoreResult> PutInPlaceAsync(RestoreJob job, SwapFolder folder, StagedTree staged, Progress progress, CancellationToken ct)
    {
        progress.Enter("owner check");
        var affected = new AffectedFiles(staged, UnixTime.From(clock.GetUtcNow()));
        var owners = affected.LookAtOwners(Walk(ct), ct);
        if (Wait(job, folder, owners) is { } waiting)
        {
            return waiting;
        }

        progress.Enter("safety backup");
        GiveMemoryBack.BetweenPhases();
        var safety = await job.TakeSafety(ct);

        progress.Enter("swap");
        GiveMemoryBack.BetweenPhases();
        var (live, unseen) = LiveStorage.Walk(folders, ct);
        var rules = staged.IsEverything
            ? SwapRules.Everything(KeptLocks.In(live, staged.Tree))
            : PartialRules.For(live, staged, findSources);
        var difference = TreeCompare.Of(live, staged.Tree, rules with { Unseen = unseen }, ct);
        owners = affected.LookAgain(live, difference, owners, ct);
        if (Wait(job, folder, owners) is { } late)
        {
            return late;
        }

        SwapPreflight.Require(live, difference.Steps);
        var damaged = staged.Sources.Where(source => source.Verdict.IsDamaged).ToList();
        var origin = Origin(job) with { SafetyBackup = safety?.Name };
        var plan = new SwapPlan
        {
            Steps = difference.Steps,
            RootModified = Posix.FindTargetStat(folders.Storage)!.Value.Modified,
            CanExchange = difference.Steps.Count > 0 && JournaledSwap.CanExchange(folder),
            Origin = JsonSerializer.SerializeToElement(origin, Json.Options),
        };

        // Where nothing differs there is nothing to flush, to journal or to look at again.
        var end = plan.Steps.Count == 0
            ? new SwapEnd(folder, true, plan.Origin, [])
            : await JournaledSwap.RunAsync(folder, plan, token => checkInPlace.RunAsync(plan, owners.State == OwnerState.InUse ? [] : staged.Sources, token), ct);
        if (!end.Applied)
        {
            throw new BackupException(
                Fault.VerificationFailed,
                $"The restore was taken back, storage is as before: {string.Join(' ', end.Problems.Take(3).Select(p => $"{p.Where}: {p.Message}"))}",
                "Look into the log and at the disk, then ask again or restore another backup.");
        }

        var warnings = Settle(job, folder, origin);
        warnings.AddRange(repairLocks.Run(CancellationToken.None));
        warnings.AddRange(damaged.Select(source => new Finding(source.Verdict.Errors[0].Where, $"Restored as damaged as it was when it was captured: {source.Verdict.Errors[0].Message}")));
        if (owners.Doubt is { } doubt)
        {
            warnings.Add(new Finding("storage", $"Whether somebody has storage open could not be told: {doubt}."));
        }

        return new RestoreResult
        {
            BackupName = job.Request.BackupName,
            Applied = true,
            SafetyBackup = safety?.Name,
            Files = staged.Files,
            Bytes = staged.Bytes,
            Unchanged = difference.UnchangedFiles,
            InUse = owners.Users,
            Warnings = warnings,
        };
    }

    /// <summary>Null when nobody is in the way.</summary>
    private RestoreResult? Wait(RestoreJob job, SwapFolder folder, OwnerReport owners) =>
        job.Request.Force || !(owners.State == OwnerState.InUse || (owners.State == OwnerState.Unknown && !job.AtStart)) ? null
        : job.AtStart ? throw AffectedFiles.InUse(owners) : StageForStart(job, folder, owners);

    /// <summary>Records what was done before its journal goes. What cannot be recorded keeps the journal, and the next start does it again.</summary>
    private List<Finding> Settle(RestoreJob job, SwapFolder folder, RestoreOrigin origin)
    {
        try
        {
            job.Settle?.Invoke();
            if (!job.IsHealing)
            {
                lastRestore.Write(origin);
            }

            folder.Remove();
            return [];
        }
        catch (IOException e)
        {
            return [new Finding(PathText.Show(e is PosixException { Path: var path } ? path : folder.Path), $"The restore is done; clearing up behind it is left to the next start: {e.Message}")];
        }
    }

    private RestoreResult StageForStart(RestoreJob job, SwapFolder folder, OwnerReport owners)
    {
        foreach (var older in SwapFolder.FindAll(folders.Storage).Where(older => older.Id != folder.Id && older.ReadState() == SwapState.Staged))
        {
            older.Remove();
        }

        folder.WriteOrigin(Origin(job));
        Posix.FlushFileSystem(folders.Storage);
        folder.WriteState(SwapState.Staged);
        return new RestoreResult
        {
            BackupName = job.Request.BackupName,
            Applied = false,
            InUse = owners.Users.Count > 0 ? owners.Users : [new Finding("storage", $"Whether somebody has it open cannot be told: {owners.Doubt}.")],
        };
    }

    private static RestoreResult PutBeside(SwapFolder folder, UnpackTarget target, StagedTree staged)
    {
        Posix.FlushFileSystem(folder.Root);
        target.MakeParents();
        Posix.RenameNew(folder.New, target.Path);
        Posix.FlushFolder(Path.GetDirectoryName(target.Path)!);
        return new RestoreResult { BackupName = "", Applied = true, Files = staged.Files, Bytes = staged.Bytes };
    }

    private StorageTree Walk(CancellationToken ct) => TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);

    private RestoreOrigin Origin(RestoreJob job) => new()
    {
        BackupName = job.Request.BackupName,
        ArchivePath = job.ArchivePath,
        Paths = job.Request.Paths,
        Force = job.Request.Force,
        IsHealing = job.IsHealing,
        Claim = job.Claim,
        Damaged = job.Damaged,
        At = clock.GetUtcNow(),
    };
}
