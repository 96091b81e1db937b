using BackupApi.Archive;
using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A restore from the archive to the check in place. Until its commit point it touches nothing of storage; after it, it goes through, forward or back.</summary>
/// <remarks>Compatibility, room, unpack and verify in one reading where the archive allows it (of some paths only what they need), engine check, owner check, safety backup, swap, check in place. The safety backup comes last before the swap, so that it misses nothing that was written meanwhile.</remarks>
internal sealed class RestoreBackup(
    WorkFolders folders,
    FindSources findSources,
    AnyArchive archives,
    CheckCompatibility compatibility,
    RestoreRoom room,
    SourceRoles roles,
    RecoverJournals journals,
    PutInPlace putInPlace,
    TimeProvider clock)
{
    public Task<RestoreResult> RunAsync(RestoreJob job, Progress progress, CancellationToken ct) => room.WhileRoomAsync(token => GoAsync(job, progress, token), ct);

    private async Task<RestoreResult> GoAsync(RestoreJob job, Progress progress, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        var paths = new SelectPaths(job.Request.Paths);
        var target = job.Request.To is { } to ? UnpackTarget.Require(folders.Storage, to) : null;

        var manifest = await ReadManifestAsync(job, ct);
        var selection = RestoreScope.Require(paths, job.Request.Mode, roles, manifest);
        compatibility.Require(manifest, job.Request.Force);
        var needed = await FindNeededAsync(job, selection, manifest, ct);
        room.Require(job.Request, needed?.ContentBytes ?? manifest?.ContentBytes ?? 0, needed?.Entries ?? manifest?.Entries ?? 0);
        var ended = target is null ? await journals.EndBeforeAsync(job, ct) : [];

        var folder = SwapFolder.Create(folders.Storage, job.Id);
        try
        {
            UnpackResult unpacked;
            (manifest, unpacked) = await UnpackSomeAsync(job, folder, manifest, needed, progress, ct) ?? await UnpackAsync(job, folder, manifest, progress, ct);
            job = job with { Damaged = [.. (manifest?.Sources ?? []).Where(source => source.Errors.Count > 0).Select(source => source.Name)] };
            var staged = await StageAsync(job, folder, manifest, unpacked, selection, progress, ct);
            var result = target is null
                ? await putInPlace.RunAsync(job, folder, staged, progress, ct)
                : PutBeside(folder, target, staged);
            return Complete(result with { Warnings = [.. ended, .. staged.Warnings, .. result.Warnings] }, job, manifest, began);
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
        var (manifest, _) = Posix.FindTargetStat(job.ArchivePath) is null ? (null, null) : await archives.ReadFactsAsync(job.ArchivePath, ct);
        var selection = new RestoreScope(new SelectPaths(job.Request.Paths), job.Request.Mode, roles, manifest);
        var found = findSources.In(tree);
        var isSelected = selection.Within(found);
        var sources = await CheckUnpacked.RunAsync(tree, found, manifest, job.Damaged, isSelected, job.Request.Force, progress, ct);
        var staged = new StagedTree(tree, sources, isSelected, selection.IsEverything, []);
        var result = await putInPlace.RunAsync(job with { AtStart = true }, folder, staged, progress, ct);
        return Complete(result, job, manifest, began);
    }

    private RestoreResult Complete(RestoreResult result, RestoreJob job, Manifest? manifest, long began)
    {
        var heads = result.Applied && job.Request.To is null ? SyncHeads.Compare(manifest?.Application, ApplicationFacts.Read(folders.Storage)) : null;
        return result with
        {
            BackupName = job.Request.BackupName,
            Mode = job.Request.Mode,
            SyncHeads = heads,
            Warnings = heads is { Agree: false } ? [.. result.Warnings, SyncHeads.Differ] : result.Warnings,
            Duration = clock.GetElapsedTime(began),
        };
    }

    private async Task<Manifest?> ReadManifestAsync(RestoreJob job, CancellationToken ct)
    {
        if (Posix.FindTargetStat(job.ArchivePath) is not { Kind: FileKind.File })
        {
            throw new BackupException(Fault.NotFound, $"There is no backup named {job.Request.BackupName}.", "GET /api/backup/list shows what there is.");
        }

        return (await archives.ReadFactsAsync(job.ArchivePath, ct)).Manifest;
    }

    /// <summary>What a restore of some paths needs of an archive of ours; null when it needs everything, or the list of the archive cannot be read.</summary>
    private async Task<NeededEntries?> FindNeededAsync(RestoreJob job, RestoreScope selection, Manifest? manifest, CancellationToken ct)
    {
        if (selection.IsEverything || manifest is null)
        {
            return null;
        }

        try
        {
            return await NeededEntries.FindAsync(archives, job.ArchivePath, selection, manifest, findSources.In(Walk(ct)), ct);
        }
        catch (BackupException e) when (e.Fault is Fault.ArchiveDamaged or Fault.ArchiveHostile)
        {
            return null;
        }
    }

    /// <summary>Unpacks what is needed and proves that, without a look at the rest; null, and nothing unpacked, where the archive has to be read as a whole to tell what is wrong with it.</summary>
    private async Task<(Manifest? Manifest, UnpackResult Unpacked)?> UnpackSomeAsync(RestoreJob job, SwapFolder folder, Manifest? manifest, NeededEntries? needed, Progress progress, CancellationToken ct)
    {
        if (needed is null)
        {
            return null;
        }

        try
        {
            progress.Enter("unpack", needed.ContentBytes, needed.Entries);
            return await archives.UnpackSomeAsync(job.ArchivePath, folder.New, needed.Contains, room.Limits(), progress, ct) is { } unpacked ? (manifest, unpacked) : null;
        }
        catch (BackupException e) when (e.Fault is Fault.ArchiveDamaged or Fault.ArchiveHostile)
        {
            folder.EmptyNew();
            room.Require(job.Request, manifest?.ContentBytes ?? 0, manifest?.Entries ?? 0);
            return null;
        }
    }

    /// <summary>Unpacks all of it into the working folder and proves the archive; nothing of a refused one is left there.</summary>
    private async Task<(Manifest? Manifest, UnpackResult Unpacked)> UnpackAsync(RestoreJob job, SwapFolder folder, Manifest? manifest, Progress progress, CancellationToken ct)
    {
        progress.Enter("unpack", manifest?.ContentBytes ?? 0, manifest?.Entries ?? 0);
        var single = await archives.UnpackProvenAsync(job.ArchivePath, folder.New, room.Limits(), progress, ct);
        if (single is { Unpacked: { } all })
        {
            return (single.Value.Proof.Manifest, all);
        }

        folder.EmptyNew();
        var proof = single?.Proof;
        if (proof is null)
        {
            progress.Enter("verify", Posix.Stat(job.ArchivePath).Size);
            proof = await archives.VerifyAsync(job.ArchivePath, room.Limits(), progress, ct);
        }

        var passesOver = PassesOver(job, proof);
        if (proof.Errors.Count > 0 && !passesOver)
        {
            throw new BackupException(
                proof.Fault,
                $"{job.Request.BackupName} cannot be restored: {proof.Errors[0].Message}",
                proof.Fault == Fault.ArchiveDamaged
                    ? "Restore another backup; storage was not touched. What still verifies of this one comes back by 'force' with 'paths', or with 'to' into a folder beside."
                    : "Restore another backup; storage was not touched.");
        }

        proof = proof with { Manifest = proof.Manifest ?? manifest };
        compatibility.Require(proof.Manifest, job.Request.Force);
        room.Require(job.Request, proof.ContentBytes, proof.Entries);
        progress.Enter("unpack", proof.ContentBytes, proof.Entries);
        return (proof.Manifest, passesOver
            ? await archives.SalvageAsync(job.ArchivePath, folder.New, room.Limits(), progress, ct)
            : await archives.UnpackAsync(job.ArchivePath, folder.New, room.Limits(), progress, ct));
    }

    /// <summary>A damaged archive is not all lost: asked for by name and by force, every file comes back whose content still verifies.</summary>
    private static bool PassesOver(RestoreJob job, ArchiveProof proof) =>
        proof is { Errors.Count: > 0, Fault: Fault.ArchiveDamaged } && job.Request is { Force: true, Paths.Count: > 0 };

    private async Task<StagedTree> StageAsync(RestoreJob job, SwapFolder folder, Manifest? manifest, UnpackResult unpacked, RestoreScope selection, Progress progress, CancellationToken ct)
    {
        if (manifest is null)
        {
            ForeignTree.StripLeadingFolder(folder, Walk(ct), folders.Storage);
            compatibility.Require(ApplicationFacts.Read(folder.New), job.Request.Force);
        }

        GiveMemoryBack.BetweenPhases();
        var tree = TreeWalker.Walk(folder.New, static (path, _) => SwapFolder.IsReserved(path), ct);
        var sources = findSources.In(tree);
        if (manifest is null && selection.IsEverything && job.Request.To is null && !job.Request.Force)
        {
            ForeignTree.RequireFamiliar(job.Request.BackupName, findSources.In(Walk(ct)), sources);
        }

        IReadOnlyList<FoundSource> both = selection.IsEverything ? [] : [.. sources, .. findSources.In(Walk(ct))];
        var isSelected = selection.IsEverything ? static _ => true : selection.Within(both);
        IReadOnlyList<Finding> unmatched = [];
        var lost = LostFiles.Of(unpacked.Damaged, manifest, both, isSelected, isInPlace: job.Request.To is null);
        isSelected = lost.Select;
        if (!selection.IsEverything)
        {
            tree = PruneTree.To(tree, isSelected);
            sources = findSources.In(tree);
            unmatched = selection.RequireFound(job.Request.BackupName, tree, both, unpacked.Damaged.Select(finding => PathText.Parse(finding.Where)));
        }

        var verified = await CheckUnpacked.RunAsync(tree, sources, manifest, job.Damaged, isSelected, job.Request.Force, progress, ct);
        return new StagedTree(tree, verified, isSelected, selection.IsEverything, [.. unmatched, .. unpacked.NotGivenBack, .. lost.Told]);
    }

    private static RestoreResult PutBeside(SwapFolder folder, UnpackTarget target, StagedTree staged)
    {
        Posix.FlushFileSystem(folder.Root);
        target.Take(folder.New);
        return new RestoreResult { BackupName = "", Applied = true, Files = staged.Files, Bytes = staged.Bytes };
    }

    private StorageTree Walk(CancellationToken ct) => TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
}
