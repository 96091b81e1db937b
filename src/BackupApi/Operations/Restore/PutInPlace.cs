using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Hooks;

namespace BackupApi.Operations.Restore;

/// <summary>The last part of every restore: asks who uses storage, takes the safety backup, swaps, checks in place, and settles what hangs on it. The application's hooks stand around it.</summary>
internal sealed class PutInPlace(
    WorkFolders folders,
    FindSources findSources,
    RepairLevelDbLock repairLocks,
    SettleRestore settle,
    LastRestore lastRestore,
    HookPair hooks,
    Doubt doubt,
    TimeProvider clock)
{
    private readonly CheckInPlace checkInPlace = new(findSources, folders);

    /// <summary>Puts a staged tree in place, or leaves it staged for the next start when somebody uses storage.</summary>
    public async Task<RestoreResult> RunAsync(RestoreJob job, SwapFolder folder, StagedTree staged, Progress progress, CancellationToken ct)
    {
        var told = new List<Finding>();
        var result = await hooks.RunAsync(
            HookEvent.BeforeRestore,
            new HookSubject(job.Id, job.Kind, job.Trigger, job.Request.BackupName, job.AtStart),
            told,
            () => SwapAsync(job, folder, staged, progress, ct),
            static ended => (ended.Applied ? HookOutcome.Ok : HookOutcome.Staged, ended.BackupName),
            ct);
        return result with { Warnings = [.. result.Warnings, .. told] };
    }

    private async Task<RestoreResult> SwapAsync(RestoreJob job, SwapFolder folder, StagedTree staged, Progress progress, CancellationToken ct)
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
        var (safety, noRoom) = await TakeSafetyAsync(job, ct);

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
        var origin = lastRestore.Place(Origin(job) with
        {
            SafetyBackup = safety?.Name,
            KeepsReplaced = noRoom is not null,
            Databases = staged.IsEverything ? null : [.. staged.Sources.Select(source => PathText.Show(source.Found.Source.Name))],
        });
        var plan = new SwapPlan
        {
            Steps = difference.Steps,
            RootModified = Posix.FindTargetStat(folders.Storage)!.Value.Modified,
            CanExchange = difference.Steps.Count > 0 && JournaledSwap.CanExchange(folder),
            Origin = JsonSerializer.SerializeToElement(origin, Json.Options),
        };

        // A step that fails is told by its error; a check that fails means that the disk does not give back what was written.
        var isDoubtful = false;
        async Task<IReadOnlyList<Finding>> CheckAsync(CancellationToken token)
        {
            var problems = await checkInPlace.RunAsync(plan, owners.State == OwnerState.InUse ? [] : staged.Sources, token);
            isDoubtful = problems.Count > 0;
            return problems;
        }

        var end = plan.Steps.Count == 0 ? NothingDiffers(folder, plan, origin) : await JournaledSwap.RunAsync(folder, plan, CheckAsync, ct);
        if (!end.Applied && isDoubtful)
        {
            doubt.Raise($"The restore of {PathText.Show(job.Request.BackupName)} did not stand its check in place and was taken back.");
        }

        if (!end.Applied)
        {
            throw new BackupException(
                end.Setback?.Fault ?? Fault.VerificationFailed,
                $"The restore was taken back, storage is as before: {string.Join(' ', end.Problems.Take(3).Select(p => $"{p.Where}: {p.Message}"))}",
                isDoubtful ? "Look into the log and at the disk, then ask again or restore another backup." : "Put right what refused that step (the kernel's log tells more of a disk), then ask again.");
        }

        if (plan.Steps.Count > 0)
        {
            doubt.End();
        }

        var warnings = Settle(folder, origin);
        warnings.AddRange(repairLocks.Run(CancellationToken.None));
        warnings.AddRange(damaged.Select(source => new Finding(source.Verdict.Errors[0].Where, $"Restored as damaged as it was when it was captured: {source.Verdict.Errors[0].Message}")));
        if (noRoom is not null)
        {
            warnings.Add(new Finding("storage", $"No safety backup was taken: {noRoom.Message} The replaced files are kept in storage/.backup until the next restore; POST /api/backup/undo-restore brings them back."));
        }

        if (owners.Doubt is { } unknown)
        {
            warnings.Add(new Finding("storage", $"Whether somebody has storage open could not be told: {unknown}."));
        }

        return new RestoreResult
        {
            BackupName = job.Request.BackupName,
            Applied = true,
            SafetyBackup = safety?.Name,
            KeepsReplaced = noRoom is not null,
            Files = staged.Files,
            Bytes = staged.Bytes,
            Unchanged = difference.UnchangedFiles,
            InUse = owners.Users,
            Warnings = warnings,
        };
    }

    /// <summary>Where there is no room for it the replaced files serve as the way back.</summary>
    private static async Task<(Backup? Safety, BackupException? NoRoom)> TakeSafetyAsync(RestoreJob job, CancellationToken ct)
    {
        try
        {
            return (await job.TakeSafety(ct), null);
        }
        catch (BackupException e) when (e.Fault == Fault.NoRoom && job.TakesSafety && !ct.IsCancellationRequested)
        {
            return (null, e);
        }
    }

    /// <summary>Null when nobody is in the way.</summary>
    private RestoreResult? Wait(RestoreJob job, SwapFolder folder, OwnerReport owners) =>
        job.Request.Force || !(owners.State == OwnerState.InUse || (owners.State == OwnerState.Unknown && !job.AtStart)) ? null
        : job.AtStart ? throw AffectedFiles.InUse(owners) : StageForStart(job, folder, owners);

    /// <summary>There is nothing to flush, to move or to look at again; but what must never be restored a second time, or is kept as the way back, has its journal all the same.</summary>
    private static SwapEnd NothingDiffers(SwapFolder folder, SwapPlan plan, RestoreOrigin origin)
    {
        if (origin.Claim is not null || origin.KeepsReplaced)
        {
            folder.WritePlan(plan);
            folder.WriteState(SwapState.Done);
        }

        return new SwapEnd(folder, true, plan.Origin);
    }

    /// <summary>Records what was done before its journal goes. What cannot be recorded keeps the journal, and the next start does it again.</summary>
    private List<Finding> Settle(SwapFolder folder, RestoreOrigin origin)
    {
        try
        {
            return [.. settle.Applied(folder, origin)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [new Finding(PathText.Show(e is PosixException { Path: var path } ? path : folder.Path), $"The restore is done; clearing up behind it is left to the next start: {e.Message}")];
        }
    }

    private RestoreResult StageForStart(RestoreJob job, SwapFolder folder, OwnerReport owners)
    {
        folder.WriteOrigin(Origin(job));
        Posix.FlushFileSystem(folders.Storage);
        SwapPromise.Write(folder, SwapState.Staged);
        return new RestoreResult
        {
            BackupName = job.Request.BackupName,
            Applied = false,
            Warnings = CallOff(folder),
            InUse = owners.Users.Count > 0 ? owners.Users : [new Finding("storage", $"Whether somebody has it open cannot be told: {owners.Doubt}.")],
        };
    }

    /// <summary>Two that wait are told apart by their age at the next start, so that a removal that fails is no failure of the restore.</summary>
    private IReadOnlyList<Finding> CallOff(SwapFolder folder)
    {
        try
        {
            return settle.CallOffStaged(folder);
        }
        catch (IOException e)
        {
            return [new Finding("storage", $"An earlier restore that waited could not be cleared away, which is left to the next start: {e.Message}")];
        }
    }

    private StorageTree Walk(CancellationToken ct) => TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);

    private RestoreOrigin Origin(RestoreJob job) => new()
    {
        Id = job.Id,
        BackupName = job.Request.BackupName,
        ArchivePath = job.ArchivePath,
        Paths = job.Request.Paths,
        Mode = job.Request.Mode,
        Force = job.Request.Force,
        IsHealing = job.IsHealing,
        Claim = job.Claim,
        Damaged = job.Damaged,
        At = clock.GetUtcNow(),
    };
}
