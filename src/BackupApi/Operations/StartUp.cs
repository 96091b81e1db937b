using BackupApi.Catalog;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Hooks;
using BackupApi.Operations.Restore;

namespace BackupApi.Operations;

/// <summary>What happens before the door opens, in this order: folders, lock, leftovers, catalogue, the restore that waits, locks that would block the application. What a kill left is cleared here.</summary>
internal sealed partial class StartUp(
    WorkFolders folders,
    CheckFolders check,
    BackupCatalog catalog,
    OperationGate gate,
    RestoreAtStart restoreAtStart,
    RecoverJournals recoverJournals,
    ScheduleState schedule,
    RestoreFolder restoreFolder,
    RestoreFolderState restoreFolderState,
    TakeSafetyBackup takeSafetyBackup,
    HealStorage healStorage,
    ServiceSettings settings,
    RepairLevelDbLock repairLevelDbLock,
    HookMemory hookMemory,
    HookPair hooks,
    Doubt doubt,
    ILogger<BackupManager> log) : IDisposable
{
    private readonly List<FolderLock> locks = [];

    /// <summary>Takes our folders for this process.</summary>
    /// <exception cref="BackupException"><see cref="Fault.Busy"/>: another BackupApi runs over one of them. <see cref="Fault.PermissionDenied"/>.</exception>
    public void TakeFolders()
    {
        check.Run();
        var isFirstStart = !Directory.Exists(folders.Backups) || !Posix.ListNames(folders.Backups).Exists(BackupCatalog.IsArchive);
        try
        {
            folders.Prepare(isFirstStart);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(Fault.PermissionDenied, $"A folder could not be made: {e.Message}", "Give this service the right to write in the backups and restore folders.", e);
        }

        // Storage may be mounted read-only, or not at all: health says so, and nothing is created in its place.
        foreach (var folder in new[] { folders.Backups, folders.Restore, folders.Storage }.Where(folder => Directory.Exists(folder) && FolderProbe.TryRead(folder) is null))
        {
            locks.Add(FolderLock.TryTake(folder) ?? throw new BackupException(
                Fault.Busy,
                $"Another BackupApi runs over {folder}.",
                "Stop it first, or give this one folders of its own (STORAGE_PATH, BACKUPS_PATH, RESTORE_PATH)."));
        }
    }

    /// <summary>Clears what a kill left, and learns what backups there are.</summary>
    public async Task PrepareAsync(CancellationToken ct)
    {
        foreach (var partial in folders.RemoveLeftovers())
        {
            LogLeftover(log, partial);
        }

        await catalog.RefreshAsync(ct);
        catalog.RemoveOrphanedStates();
        schedule.Load();
        var count = catalog.List().Count;
        LogFound(log, count, folders.Storage, folders.Backups, folders.Restore);
        if (catalog.List().Count(backup => backup.IsLocked) is var locked and > 0)
        {
            LogLocked(log, locked);
        }

        var library = SqliteLibrary.Describe();
        LogLibrary(log, library);
        if (new[] { folders.Storage, folders.Restore }.Any(folder => Directory.Exists(folder) && FolderProbe.TryRead(folder) is not null))
        {
            // CheckFolders has said what to do about it. The application must be able to start all the same.
            return;
        }

        var cutShort = hookMemory.Find();
        if (HasRestoreWork())
        {
            await RestoreAsync();
        }

        await hooks.MakeUpAsync(cutShort);
        restoreFolderState.Failed = restoreFolder.ListFailed();
        if (restoreFolderState.ReadOnlyReason is not null || doubt.Reason is not null)
        {
            return;
        }

        if (settings.Heal != HealMode.Off)
        {
            await HealAsync();
        }

        foreach (var repaired in restoreFolderState.ReadOnlyReason is null ? repairLevelDbLock.Run(ct) : [])
        {
            LogRepaired(log, repaired.Where, repaired.Message);
        }
    }

    /// <summary>A disk that does not answer is the business of the recovery, which says so.</summary>
    private bool HasRestoreWork()
    {
        try
        {
            return restoreFolder.HasWork;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>One operation of its own; a failure is logged and told by health, and the service starts all the same.</summary>
    private async Task RestoreAsync()
    {
        var ticket = gate.Start(OperationKind.Restore, Trigger.RestoreFolder, waits: false, givesWay: false, async context =>
        {
            var result = await restoreAtStart.RunAsync(context.Id, ct => takeSafetyBackup.RunAsync(context, ct), context.Progress, context.Cancellation);
            restoreFolderState.Waiting = result.Waiting;
            restoreFolderState.ToldAtStart = result.Waiting;
            restoreFolderState.Staged = result.Staged;
            restoreFolderState.ReadOnlyReason = result.ReadOnlyReason;
            foreach (var recovered in result.Recovered)
            {
                LogRecovered(log, recovered.Where, recovered.Message);
            }

            foreach (var warning in result.Restored?.Warnings ?? [])
            {
                LogRestoredOtherwise(log, warning.Where, warning.Message);
            }

            context.BackupName = result.Restored?.BackupName ?? result.FailedName;
            context.Summary = Summarise(result.Restored);
            context.Warnings.AddRange(result.Restored?.Warnings ?? []);
            return result.Failure is null ? result : throw result.Failure;
        });
        await ((Task)ticket.Completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (restoreFolderState.ReadOnlyReason is null && recoverJournals.HasOpen())
        {
            restoreFolderState.ReadOnlyReason = $"The journal of a restore in {folders.Storage}/{SwapFolder.ReservedName} is open: the last start did not bring it to its end. The log tells why; the next start, or the next restore by name, tries again.";
        }
    }

    /// <summary>What can be healed is; what cannot is told by health, and the service starts all the same.</summary>
    private async Task HealAsync()
    {
        var ticket = gate.Start(OperationKind.Heal, Trigger.Start, waits: false, givesWay: false, async context =>
        {
            var result = await healStorage.RunAsync(context.Id, settings.Heal, context.Progress, context.Cancellation);
            restoreFolderState.Undecided = result.Undecided;
            restoreFolderState.ReadOnlyReason = result.Open is { } open ? $"{open.Message} {open.Hint}" : restoreFolderState.ReadOnlyReason;
            foreach (var healed in result.Healed)
            {
                LogHealed(log, healed.Where, healed.Message);
            }

            foreach (var undecided in result.Undecided)
            {
                LogUndecided(log, undecided.Where, undecided.Message);
            }

            context.Outcome = result.Undecided.Count == 0 ? Outcome.Ok : Outcome.Partial;
            context.Summary = $"{result.Healed.Count} databases brought back, {result.Undecided.Count} left to a person";
            return result;
        });
        await ((Task)ticket.Completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static string Summarise(RestoreResult? restored) => restored switch
    {
        null => "nothing was restored",
        { Warnings: [var first, ..] } => $"{restored.Summary}; {first.Where}: {first.Message}{(restored.Warnings.Count > 1 ? $" ({restored.Warnings.Count - 1} more in the log)" : "")}",
        _ => restored.Summary,
    };

    public void Dispose() => locks.ForEach(folderLock => folderLock.Dispose());

    [LoggerMessage(Level = LogLevel.Information, Message = "SQLite databases are read with {Library}")]
    private static partial void LogLibrary(ILogger logger, string library);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Healed {Database}: {Message}")]
    private static partial void LogHealed(ILogger logger, string database, string message);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Database} is not well: {Message}")]
    private static partial void LogUndecided(ILogger logger, string database, string message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Taken up from before: {What}: {Message}")]
    private static partial void LogRecovered(ILogger logger, string what, string message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Restored, but not as it was: {Where}: {Message}")]
    private static partial void LogRestoredOtherwise(ILogger logger, string where, string message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Lock}: {Message}")]
    private static partial void LogRepaired(ILogger logger, string @lock, string message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Removed {Partial}: a backup was killed while it was written; it was never published")]
    private static partial void LogLeftover(ILogger logger, string partial);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} archives are encrypted, and no passphrase of BACKUP_PASSPHRASE_FILE opens them")]
    private static partial void LogLocked(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} backups found; storage {Storage}, backups {Backups}, restore {Restore}")]
    private static partial void LogFound(ILogger logger, int count, string storage, string backups, string restore);
}
