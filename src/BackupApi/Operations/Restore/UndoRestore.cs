using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>The way back from the last restore: the restore of the safety backup taken before it, by the same steps, so it can be undone in turn.</summary>
internal sealed class UndoRestore(LastRestore lastRestore)
{
    /// <summary>What to restore to undo the last restore.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>: nothing was restored yet, or storage was empty before.</exception>
    public RestoreRequest Request(bool force)
    {
        var last = lastRestore.Find() ?? throw new BackupException(
            Fault.NotFound,
            "Nothing was restored yet, so there is nothing to undo.",
            "GET /api/backup/list shows the backups that can be restored.");
        return last.SafetyBackup is { } safety
            ? new RestoreRequest { BackupName = safety, Force = force }
            : throw new BackupException(
                Fault.NotFound,
                $"Storage was empty before {last.BackupName} was restored, so no backup holds that state.",
                "Remove the content of storage by hand, or restore another backup.");
    }
}
