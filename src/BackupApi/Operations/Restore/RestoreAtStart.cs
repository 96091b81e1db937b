using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What happened to storage before the door opened.</summary>
internal sealed record StartRestoreResult
{
    /// <summary>The restore that was done at this start; null when there was none, or it was not possible.</summary>
    public RestoreResult? Restored { get; init; }

    /// <summary>Why a restore that was wanted was not done; storage is as it was.</summary>
    public BackupException? Failure { get; init; }

    /// <summary>Name of the archive <see cref="Failure"/> is about.</summary>
    public string? FailedName { get; init; }

    /// <summary>What was taken up from an earlier life: journals that were brought to an end, claims that were given back.</summary>
    public IReadOnlyList<Finding> Recovered { get; init; } = [];

    /// <summary>Archives that stay in the restore folder, and a restore that is staged, each with why.</summary>
    public IReadOnlyList<Finding> Waiting { get; init; } = [];

    /// <summary>Why nothing may be written to storage automatically: a journal could be brought to no end. Null when all is well.</summary>
    public string? ReadOnlyReason { get; init; }
}

/// <summary>Before anything else is served: brings journals to their end, then applies one restore that waits, staged or dropped.</summary>
/// <remarks>
/// Exactly once: an archive is claimed by a rename, its journal carries the claim, and the journal goes only after the archive was put into <c>done/</c>.
/// So a kill before the commit point leaves a claim without a journal, which waits again; a kill after it leaves a journal, which is finished and never begun anew.
/// </remarks>
internal sealed class RestoreAtStart(
    WorkFolders folders,
    ServiceSettings settings,
    RestoreBackup restore,
    RestoreBareDatabase restoreBare,
    RecoverJournals recover,
    RestoreFolder restoreFolder,
    ChooseDrop chooseDrop,
    Doubt doubt,
    TimeProvider clock)
{
    /// <param name="operationId">Names the working folder.</param>
    /// <param name="takeSafety">As in <see cref="RestoreJob.TakeSafety"/>.</param>
    public async Task<StartRestoreResult> RunAsync(string operationId, Func<CancellationToken, Task<Backup?>> takeSafety, Progress progress, CancellationToken ct)
    {
        if (Posix.FindTargetStat(folders.Storage) is not { Kind: FileKind.Directory })
        {
            return new StartRestoreResult { Waiting = [.. restoreFolder.List().Select(drop => new Finding(PathText.Show(drop.Name), "Storage is not mounted, so nothing can be restored into it."))] };
        }

        progress.Enter("recover");
        IReadOnlyList<Finding> recovered;
        try
        {
            recovered = [.. await recover.RunAsync(), .. restoreFolder.ReturnClaims(clock.GetUtcNow())];
        }
        catch (BackupException e) when (e.Fault == Fault.ReadOnly)
        {
            return new StartRestoreResult { Failure = e, ReadOnlyReason = $"{e.Message} {e.Hint}" };
        }

        var job = new RestoreJob { Id = operationId, Trigger = Trigger.RestoreFolder, AtStart = true, TakeSafety = takeSafety, ArchivePath = "", Request = new RestoreRequest { BackupName = "" } };
        var result = recover.FindStaged() is { } staged
            ? await ApplyStagedAsync(job, staged, progress, ct)
            : !settings.AutoRestoreEnabled ? new StartRestoreResult()
            : doubt.Reason is { } reason ? new StartRestoreResult { Waiting = [.. restoreFolder.List().Select(drop => new Finding(PathText.Show(drop.Name), $"Nothing is written to storage by itself: {reason}"))] }
            : await ApplyDropAsync(job, progress, ct);
        return result with { Recovered = recovered };
    }

    private async Task<StartRestoreResult> ApplyStagedAsync(RestoreJob job, SwapFolder folder, Progress progress, CancellationToken ct)
    {
        if (folder.ReadOrigin<RestoreOrigin>() is not { } origin)
        {
            folder.Remove();
            return new StartRestoreResult();
        }

        var waiting = restoreFolder.List().Select(drop => new Finding(PathText.Show(drop.Name), "A restore that was asked for over HTTP went first; this archive stays where it is.")).ToList();
        var staged = job with
        {
            Request = new RestoreRequest { BackupName = origin.BackupName, Paths = origin.Paths, Mode = origin.Mode, Force = origin.Force },
            ArchivePath = origin.ArchivePath,
            Damaged = origin.Damaged,
        };
        try
        {
            return new StartRestoreResult { Restored = await restore.ApplyStagedAsync(staged, folder, progress, ct), Waiting = waiting };
        }
        catch (BackupException e) when (e.Fault is Fault.StorageInUse or Fault.HookFailed)
        {
            return new StartRestoreResult { Failure = e, FailedName = origin.BackupName, Waiting = [new Finding(origin.BackupName, $"The restore stays staged: {e.Message} {e.Hint}"), .. waiting] };
        }
        catch (Exception e) when (AsFault(e) is { } failure)
        {
            return new StartRestoreResult { Failure = failure, FailedName = origin.BackupName, Waiting = waiting, ReadOnlyReason = ReadOnly(failure) };
        }
    }

    private async Task<StartRestoreResult> ApplyDropAsync(RestoreJob job, Progress progress, CancellationToken ct)
    {
        progress.Enter("restore folder");
        var choice = await chooseDrop.RunAsync(ct);
        if (choice.Chosen is not { } drop)
        {
            return new StartRestoreResult { Waiting = choice.Waiting };
        }

        try
        {
            restoreFolder.Claim(drop);
        }
        catch (IOException e)
        {
            // A restore folder that cannot be written: the start has said how to mend it.
            var failure = Errno.ToFault(e);
            return new StartRestoreResult { Failure = failure, FailedName = drop.Name, Waiting = [new Finding(PathText.Show(drop.Name), $"It could not be claimed: {failure.Message} {failure.Hint}"), .. choice.Waiting] };
        }

        try
        {
            var dropped = job with
            {
                Request = new RestoreRequest { BackupName = drop.Name, Force = drop.IsForced },
                ArchivePath = restoreFolder.PathOfClaim(drop.ClaimName),
                Claim = drop.ClaimName,
                Settle = () => restoreFolder.Finish(drop.ClaimName),
            };
            var restored = drop.Bare is null ? await restore.RunAsync(dropped, progress, ct) : await restoreBare.RunAsync(dropped, progress, ct);
            return new StartRestoreResult { Restored = restored, Waiting = choice.Waiting };
        }
        catch (OperationCanceledException)
        {
            restoreFolder.Unclaim(drop.ClaimName);
            throw;
        }
        catch (Exception e) when (AsFault(e) is { } failure)
        {
            return Refused(drop, failure, choice);
        }
    }

    /// <summary>Storage is as it was. What may pass by itself leaves the archive where it was; what lies in the archive puts it away.</summary>
    private StartRestoreResult Refused(DroppedArchive drop, BackupException failure, DropChoice choice)
    {
        var result = new StartRestoreResult { Failure = failure, FailedName = drop.Name, Waiting = choice.Waiting, ReadOnlyReason = ReadOnly(failure) };
        if (result.ReadOnlyReason is not null)
        {
            // The journal is open and names this claim: the next start finishes both.
            return result;
        }

        if (failure.Fault is Fault.StorageInUse or Fault.HookFailed or Fault.NoRoom or Fault.DiskError or Fault.PermissionDenied or Fault.Cancelled or Fault.ArchiveLocked || restoreFolder.HasGrown(drop))
        {
            restoreFolder.Unclaim(drop.ClaimName);
            return result with { Waiting = [new Finding(PathText.Show(drop.Name), $"{failure.Message} {failure.Hint}"), .. choice.Waiting] };
        }

        restoreFolder.Fail(drop.ClaimName, failure.Message, failure.Hint, clock.GetUtcNow());
        return result;
    }

    private static BackupException? AsFault(Exception e) => e switch
    {
        BackupException failure => failure,
        IOException io => Errno.ToFault(io),
        _ => null,
    };

    private static string? ReadOnly(BackupException failure) => failure.Fault == Fault.ReadOnly ? $"{failure.Message} {failure.Hint}" : null;
}
