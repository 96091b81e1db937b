using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>The way back from the last restore: the restore of the safety backup taken before it, by the same steps, so it can be undone in turn; or the replaced files themselves, where there was no room for one.</summary>
internal sealed class UndoRestore(WorkFolders folders, LastRestore lastRestore, RepairLevelDbLock repairLocks, TimeProvider clock)
{
    /// <summary>Whether the replaced files are the way back.</summary>
    public bool IsByKeptFiles => lastRestore.Find() is { KeepsReplaced: true };

    /// <summary>What to restore to undo the last restore.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>: nothing was restored yet, or storage was empty before.</exception>
    public RestoreRequest Request(bool force)
    {
        var last = Last();
        return last.SafetyBackup is { } safety
            ? new RestoreRequest { BackupName = safety, Force = force }
            : throw new BackupException(
                Fault.NotFound,
                $"Storage was empty before {last.BackupName} was restored, so no backup holds that state.",
                "Remove the content of storage by hand, or restore another backup.");
    }

    /// <summary>Brings back the files that the last restore replaced and kept. What was written since is in the safety backup; where there is no room for that one either, only <paramref name="force"/> goes on.</summary>
    /// <exception cref="BackupException"><see cref="Fault.StorageInUse"/>, unless forced; <see cref="Fault.NoRoom"/>; <see cref="Fault.NotFound"/>: they are gone.</exception>
    public async Task<RestoreResult> ByKeptFilesAsync(bool force, Func<CancellationToken, Task<Backup?>> takeSafety, Progress progress, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        var last = Last();
        progress.Enter("owner check");
        var owners = OwnerProbe.Look(TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct), static _ => true, ct);
        if (!force && owners.State != OwnerState.Free)
        {
            throw AffectedFiles.InUse(owners);
        }

        progress.Enter("safety backup");
        Backup? safety = null;
        try
        {
            safety = await takeSafety(ct);
        }
        catch (BackupException e) when (e.Fault == Fault.NoRoom && force)
        {
            // Said in the answer: no safety backup.
        }

        progress.Enter("swap");
        ct.ThrowIfCancellationRequested();
        var folder = KeptSwap.TakeUp(folders.Storage) ?? throw new BackupException(
            Fault.NotFound,
            $"The files that the restore of {last.BackupName} replaced are no longer there.",
            "GET /api/backup/list shows the backups that can be restored.");
        JournaledSwap.TakeBack(folder);
        lastRestore.Write(last with { BackupName = safety?.Name ?? "", SafetyBackup = safety?.Name, KeepsReplaced = false, At = clock.GetUtcNow() });
        folder.Remove();
        return new RestoreResult
        {
            BackupName = last.BackupName,
            Applied = true,
            SafetyBackup = safety?.Name,
            InUse = owners.Users,
            Warnings =
            [
                new Finding("storage", $"The files that the restore of {last.BackupName} had replaced were put back; there had been no room for a backup of them."),
                .. repairLocks.Run(CancellationToken.None),
            ],
            Duration = clock.GetElapsedTime(began),
        };
    }

    private RestoreOrigin Last() => lastRestore.Find() ?? throw new BackupException(
        Fault.NotFound,
        "Nothing was restored yet, so there is nothing to undo.",
        "GET /api/backup/list shows the backups that can be restored.");
}
