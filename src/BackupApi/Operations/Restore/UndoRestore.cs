using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Hooks;

namespace BackupApi.Operations.Restore;

/// <summary>The way back from the last restore: the restore of the safety backup taken before it, by the same steps, so it can be undone in turn; or the replaced files themselves, where there was no room for one.</summary>
internal sealed class UndoRestore(
    WorkFolders folders, LastRestore lastRestore, RecoverJournals journals, SettleRestore settle, RepairLevelDbLock repairLocks, HookPair hooks, TimeProvider clock)
{
    /// <summary>Whether the replaced files are the way back.</summary>
    public bool IsByKeptFiles => lastRestore.Find() is { KeepsReplaced: true };

    /// <summary>What to restore to undo the last restore.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>: nothing was restored yet, or storage was empty before.</exception>
    public RestoreRequest Request(bool force)
    {
        var last = Last();
        return last switch
        {
            { SafetyBackup: { } safety } => new RestoreRequest { BackupName = safety, Force = force },
            { TakesBack: true } => throw new BackupException(
                Fault.NotFound,
                $"There was no room for a backup when the restore of {last.BackupName} was undone, so that state is not to be had any more.",
                "GET /api/backup/list shows the backups that can be restored."),
            _ => throw new BackupException(
                Fault.NotFound,
                $"Storage was empty before {last.BackupName} was restored, so no backup holds that state.",
                "Remove the content of storage by hand, or restore another backup."),
        };
    }

    /// <summary>What a person should know of an undo before he relies on it; empty for most.</summary>
    public IReadOnlyList<Finding> Cautions => lastRestore.Find() is { IsPartial: true, SafetyBackup: { } safety }
        ? [new Finding("storage", $"The last restore was about some of storage, and {safety} holds all of it as it was then: what was written elsewhere since went back too. The safety backup of this undo holds it; POST /api/backup/restore with 'paths' brings it back.")]
        : [];

    /// <summary>Brings back the files that the last restore replaced and kept. What was written since is in the safety backup; where there is no room for that one either, only <c>force</c> goes on.</summary>
    /// <param name="job">Its request names no backup.</param>
    /// <exception cref="BackupException"><see cref="Fault.StorageInUse"/>, unless forced; <see cref="Fault.NoRoom"/>; <see cref="Fault.NotFound"/>: they are gone.</exception>
    public async Task<RestoreResult> ByKeptFilesAsync(RestoreJob job, Progress progress, CancellationToken ct)
    {
        var told = new List<Finding>(await journals.EndBeforeAsync(job, ct));
        var last = Last();
        var result = await hooks.RunAsync(
            HookEvent.BeforeRestore,
            new HookSubject(job.Id, job.Kind, job.Trigger, last.BackupName),
            told,
            () => PutBackAsync(job, last, progress, ct),
            ended => (HookOutcome.Ok, ended.BackupName),
            ct);
        return result with { Warnings = [.. told, .. result.Warnings] };
    }

    private async Task<RestoreResult> PutBackAsync(RestoreJob job, RestoreOrigin last, Progress progress, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        progress.Enter("owner check");
        var live = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        var owners = OwnerProbe.Look(live, static _ => true, ct);
        if (!job.Request.Force && owners.State != OwnerState.Free)
        {
            throw AffectedFiles.InUse(owners);
        }

        progress.Enter("safety backup");
        Backup? safety = null;
        try
        {
            safety = await job.TakeSafety(ct);
        }
        catch (BackupException e) when (e.Fault == Fault.NoRoom && job.Request.Force)
        {
            // Said in the answer: no safety backup.
        }

        progress.Enter("swap");
        ct.ThrowIfCancellationRequested();
        SwapPreflight.Require(live, KeptSwap.FindSteps(folders.Storage) ?? throw Gone(last));
        var origin = lastRestore.Place(last with { Id = $"{job.Id}-undo", TakesBack = true, IsHealing = false, Claim = null, SafetyBackup = safety?.Name, KeepsReplaced = false, Restored = last.After ?? 0, At = clock.GetUtcNow(), Earlier = [] });
        var folder = KeptSwap.TakeUp(folders.Storage, JsonSerializer.SerializeToElement(origin, Json.Options)) ?? throw Gone(last);
        JournaledSwap.TakeBack(folder);
        return new RestoreResult
        {
            BackupName = last.BackupName,
            Applied = true,
            SafetyBackup = safety?.Name,
            InUse = owners.Users,
            Warnings =
            [
                new Finding("storage", $"The files that the restore of {last.BackupName} had replaced were put back; there had been no room for a backup of them."),
                .. Settle(folder, origin),
                .. repairLocks.Run(CancellationToken.None),
            ],
            Duration = clock.GetElapsedTime(began),
        };
    }

    private IReadOnlyList<Finding> Settle(SwapFolder folder, RestoreOrigin origin)
    {
        try
        {
            return settle.TakenBack(folder, origin);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [new Finding(PathText.Show(folder.Path), $"The undo is done; clearing up behind it is left to the next start: {e.Message}")];
        }
    }

    private static BackupException Gone(RestoreOrigin last) => new(
        Fault.NotFound,
        $"The files that the restore of {last.BackupName} replaced are no longer there.",
        "GET /api/backup/list shows the backups that can be restored.");

    private RestoreOrigin Last() => lastRestore.Find() ?? throw new BackupException(
        Fault.NotFound,
        "Nothing was restored yet, so there is nothing to undo.",
        "GET /api/backup/list shows the backups that can be restored.");
}
