using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A restore or an undo that was asked for, as an operation: what it leaves in its record and in health.</summary>
internal sealed class RunRestore(RestoreBackup restoreBackup, UndoRestore undoRestore, TakeSafetyBackup takeSafetyBackup, RecoverJournals journals, RestoreFolderState state)
{
    public Task<RestoreResult> RunAsync(RestoreRequest request, Backup backup, OperationContext context)
    {
        context.BackupName = backup.Name;
        return GoAsync(context, () => restoreBackup.RunAsync(Job(request, backup.Path, context), context.Progress, context.Cancellation));
    }

    /// <summary>The way back by the safety backup.</summary>
    public async Task<RestoreResult> UndoAsync(RestoreRequest request, Backup safety, OperationContext context)
    {
        var cautions = undoRestore.Cautions;
        var result = await RunAsync(request, safety, context);
        context.Warnings.AddRange(cautions);
        return result with { Warnings = [.. cautions, .. result.Warnings] };
    }

    /// <summary>The way back by the files that the last restore replaced and kept.</summary>
    public Task<RestoreResult> UndoByKeptFilesAsync(bool force, OperationContext context) =>
        GoAsync(context, () => undoRestore.ByKeptFilesAsync(Job(new RestoreRequest { BackupName = "", Force = force }, "", context), context.Progress, context.Cancellation));

    private RestoreJob Job(RestoreRequest request, string archive, OperationContext context) => new()
    {
        Id = context.Id,
        Kind = context.Kind,
        Request = request,
        ArchivePath = archive,
        TakeSafety = ct => takeSafetyBackup.RunAsync(context, ct),
    };

    private async Task<RestoreResult> GoAsync(OperationContext context, Func<Task<RestoreResult>> work)
    {
        try
        {
            var result = await work();
            context.Summary = result.Summary;
            context.Warnings.AddRange(result.Warnings);
            LookAgain();
            return result;
        }
        catch (BackupException e) when (e.Fault == Fault.ReadOnly)
        {
            state.ReadOnlyReason = $"{e.Message} {e.Hint}";
            throw;
        }
        catch
        {
            LookAgain();
            throw;
        }
    }

    /// <summary>A journal that was ended on the way keeps nothing read-only any more, also where the restore itself then failed.</summary>
    private void LookAgain()
    {
        state.Staged = journals.ListStaged();
        state.ReadOnlyReason = state.ReadOnlyReason is not null && journals.HasOpen() ? state.ReadOnlyReason : null;
    }
}
