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
        var origin = Origin(job) with { SafetyBackup = safety?.Name, KeepsReplaced = noRoom is not null };
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

        // Where nothing differs there is nothing to flush, to journal or to look at again.
        var end = plan.Steps.Count == 0
            ? new SwapEnd(folder, true, plan.Origin, [])
            : await JournaledSwap.RunAsync(folder, plan, CheckAsync, ct);
        if (!end.Applied && isDoubtful)
        {
            doubt.Raise($"The restore of {PathText.Show(job.Request.BackupName)} did not stand its check in place and was taken back.");
        }

        if (!end.Applied)
        {
            throw new BackupException(
                Fault.VerificationFailed,
                $"The restore was taken back, storage is as before: {string.Join(' ', end.Problems.Take(3).Select(p => $"{p.Where}: {p.Message}"))}",
                "Look into the log and at the disk, then ask again or restore another backup.");
        }

        if (plan.Steps.Count > 0)
        {
            doubt.End();
        }

        var warnings = Settle(job, folder, origin);
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

    /// <summary>Records what was done before its journal goes. What cannot be recorded keeps the journal, and the next start does it again.</summary>
    private List<Finding> Settle(RestoreJob job, SwapFolder folder, RestoreOrigin origin)
    {
        try
        {
            job.Settle?.Invoke();
            if (!job.IsHealing)
            {
                lastRestore.Write(origin);
                KeptSwap.RemoveAll(folders.Storage);
            }

            if (origin.KeepsReplaced)
            {
                KeptSwap.Keep(folder);
            }
            else
            {
                folder.Remove();
            }

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
        SwapPromise.Write(folder, SwapState.Staged);
        return new RestoreResult
        {
            BackupName = job.Request.BackupName,
            Applied = false,
            InUse = owners.Users.Count > 0 ? owners.Users : [new Finding("storage", $"Whether somebody has it open cannot be told: {owners.Doubt}.")],
        };
    }

    private StorageTree Walk(CancellationToken ct) => TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);

    private RestoreOrigin Origin(RestoreJob job) => new()
    {
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
