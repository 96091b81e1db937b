using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Puts a database that was dropped as it is in the place of the one of its name, by the same steps as an archive: check, room, copy beside, check of the copy, and then as every restore.</summary>
internal sealed class RestoreBareDatabase(WorkFolders folders, FindSources findSources, FindBareDatabases findBare, RestoreFolder restoreFolder, RestoreRoom room, PutInPlace putInPlace, TimeProvider clock)
{
    /// <param name="job">Its claim is a file, or a folder that holds one database.</param>
    public Task<RestoreResult> RunAsync(RestoreJob job, Progress progress, CancellationToken ct) => room.WhileRoomAsync(token => GoAsync(job, progress, token), ct);

    private async Task<RestoreResult> GoAsync(RestoreJob job, Progress progress, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        progress.Enter("recognise");
        var (tree, found) = findBare.Require(restoreFolder.Claimed, job.Claim!);
        var live = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        var sources = findSources.In(live);
        var target = BareTarget.Require(BareTarget.NameOf(found.Source.Name), found.Source.Engine, sources, path => live.Find(path) is not null, findBare.Newest());
        room.Require(job.Request, found.Source.Files.Sum(file => tree.Find(file)?.Stat.Size ?? 0), found.Source.Files.Count);

        var folder = SwapFolder.Create(folders.Storage, job.Id);
        try
        {
            progress.Enter("unpack");
            var warnings = BareCopy.Make(found.Source, tree, live, target, folder.New, ct);
            var staged = await StageAsync(job, folder, target, sources, progress, ct);
            var result = await putInPlace.RunAsync(job with { Request = job.Request with { Paths = [PathText.Show(target)] } }, folder, staged with { Warnings = warnings }, progress, ct);
            return result with { BackupName = job.Request.BackupName, Duration = clock.GetElapsedTime(began), Warnings = [.. warnings, .. result.Warnings] };
        }
        finally
        {
            folder.Discard();
        }
    }

    /// <summary>What a drop would replace, relative to storage.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: it will be refused, and why.</exception>
    public string TargetOf(DroppedArchive drop, CancellationToken ct)
    {
        var (_, found) = findBare.Require(folders.Restore, drop.Name, drop.Bare?.SideFiles ?? []);
        var live = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        return BareTarget.Require(BareTarget.NameOf(found.Source.Name), found.Source.Engine, findSources.In(live), path => live.Find(path) is not null, findBare.Newest());
    }

    private async Task<StagedTree> StageAsync(RestoreJob job, SwapFolder folder, string target, IReadOnlyList<FoundSource> live, Progress progress, CancellationToken ct)
    {
        var tree = TreeWalker.Walk(folder.New, ct: ct);
        var staged = findSources.In(tree);
        var isSelected = new SelectPaths([target]).Within([.. staged, .. live]);
        var verified = await CheckUnpacked.RunAsync(tree, staged, null, [], isSelected, force: true, progress, ct);
        if (verified.FirstOrDefault(source => source.Found.Source.Name == target) is not { Verdict: { IsDamaged: false } })
        {
            var error = verified.SelectMany(source => source.Verdict.Errors).FirstOrDefault();
            throw new BackupException(
                Fault.VerificationFailed,
                $"{PathText.Show(job.Request.BackupName)} is damaged: {(error is null ? "it was not recognised again in its copy" : $"{error.Where}: {error.Message}")}",
                "Drop a whole copy, with its side files (-wal, -journal, -log) if it has any.");
        }

        return new StagedTree(tree, verified, isSelected, false, []);
    }
}
