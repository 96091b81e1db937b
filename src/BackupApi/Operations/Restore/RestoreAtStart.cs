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

    /// <summary>Archives that stay in the restore folder, each with why.</summary>
    public IReadOnlyList<Finding> Waiting { get; init; } = [];

    /// <summary>A restore that was asked for by name and still waits, or could not be done and was called off, with why.</summary>
    public IReadOnlyList<Finding> Staged { get; init; } = [];

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
        var recovered = new List<Finding>();
        SwapFolder? staged;
        try
        {
            recovered.AddRange(await recover.RunAsync());
            recovered.AddRange(ReturnClaims());
            staged = recover.FindStaged();
        }
        catch (Exception e) when (AsFault(e) is { } failure)
        {
            // What cannot be looked at is as good as open: nothing is written over it.
            return new StartRestoreResult { Recovered = recovered, Failure = failure, ReadOnlyReason = $"{failure.Message} {failure.Hint}" };
        }

        var job = new RestoreJob { Id = operationId, Trigger = Trigger.RestoreFolder, AtStart = true, TakeSafety = takeSafety, ArchivePath = "", Request = new RestoreRequest { BackupName = "" } };
        var result = staged is not null
            ? await ApplyStagedAsync(job, staged, progress, ct)
            : !settings.AutoRestoreEnabled ? new StartRestoreResult()
            : doubt.Reason is { } reason ? new StartRestoreResult { Waiting = [.. restoreFolder.List().Select(drop => new Finding(PathText.Show(drop.Name), $"Nothing is written to storage by itself: {reason}"))] }
            : await ApplyDropAsync(job, progress, ct);
        return result with { Recovered = recovered };
    }

    /// <summary>A restore folder that takes no move holds nobody up: what lies there as claimed is looked at again at the next start.</summary>
    private IReadOnlyList<Finding> ReturnClaims()
    {
        var held = recover.HeldClaims();
        try
        {
            return restoreFolder.ReturnClaims(clock.GetUtcNow(), held);
        }
        catch (IOException e)
        {
            return [new Finding("restore/.claimed", $"What an earlier start took from the restore folder could not be given back: {e.Message}")];
        }
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
        catch (Exception e) when (AsFault(e) is { } failure)
        {
            return new StartRestoreResult { Failure = failure, FailedName = origin.BackupName, Waiting = waiting, ReadOnlyReason = ReadOnly(failure), Staged = [new Finding(origin.BackupName, Afterwards(folder, failure))] };
        }
    }

    /// <summary>What may pass leaves the restore staged; what lies in it ends its waiting.</summary>
    private static string Afterwards(SwapFolder folder, BackupException failure)
    {
        var why = $"{failure.Message} {failure.Hint}";
        try
        {
            switch (folder.ReadState())
            {
                case SwapState.Undone or SwapState.Staged when RestoreFolder.LiesInTheArchive(failure.Fault):
                    folder.Remove();
                    return $"it could not be done at this start, and was called off. {why}";
                case SwapState.Undone:
                    folder.WriteState(SwapState.Staged);
                    return $"it stays staged. {why}";
                default:
                    return $"it stays staged. {why}";
            }
        }
        catch (IOException e)
        {
            return $"it stays as it is until the next start. {why} {e.Message}";
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
            };
            var restored = drop.Bare is null ? await restore.RunAsync(dropped, progress, ct) : await restoreBare.RunAsync(dropped, progress, ct);
            return new StartRestoreResult { Restored = restored, Waiting = choice.Waiting };
        }
        catch (OperationCanceledException)
        {
            _ = restoreFolder.TryUnclaim(drop.ClaimName);
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

        if (!RestoreFolder.LiesInTheArchive(failure.Fault) || restoreFolder.HasGrown(drop))
        {
            var stuck = restoreFolder.TryUnclaim(drop.ClaimName) is { } refusal ? $" It could not be moved back ({refusal.Message}), which the next start does." : "";
            return result with { Waiting = [new Finding(PathText.Show(drop.Name), $"{failure.Message} {failure.Hint}{stuck}"), .. choice.Waiting] };
        }

        try
        {
            restoreFolder.Fail(drop.ClaimName, failure.Message, failure.Hint, clock.GetUtcNow());
            return result;
        }
        catch (IOException e)
        {
            return result with { Waiting = [new Finding(PathText.Show(drop.Name), $"{failure.Message} {failure.Hint} It could not be put into failed/: {e.Message}"), .. choice.Waiting] };
        }
    }

    private static BackupException? AsFault(Exception e) => e switch
    {
        BackupException failure => failure,
        IOException io => Errno.ToFault(io),
        UnauthorizedAccessException => new BackupException(Fault.PermissionDenied, e.Message, "Give this service the right to read and write there, or run it as the owner of the files.", e),
        _ => null,
    };

    private static string? ReadOnly(BackupException failure) => failure.Fault == Fault.ReadOnly ? $"{failure.Message} {failure.Hint}" : null;
}
