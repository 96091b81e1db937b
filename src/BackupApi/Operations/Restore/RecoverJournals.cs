using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Brings every swap that was cut short to its end, at a start and before a later restore, and settles what hangs on it.</summary>
internal sealed class RecoverJournals(WorkFolders folders, FindSources findSources, RestoreFolder restoreFolder, SettleRestore settle, Doubt doubt, TimeProvider clock)
{
    private readonly CheckInPlace checkInPlace = new(findSources, folders);

    /// <summary>At a start. What cannot be cleared up is told and left to the next one.</summary>
    /// <returns>What was done; empty after a clean stop.</returns>
    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: a journal could be brought to no end.</exception>
    public async Task<IReadOnlyList<Finding>> RunAsync()
    {
        var told = new List<Finding>();
        foreach (var folder in SwapFolder.FindAll(folders.Storage))
        {
            try
            {
                told.AddRange(await EndAsync(folder));
            }
            catch (Exception e) when ((e is IOException or UnauthorizedAccessException) && !IsOpen(folder))
            {
                told.Add(new Finding(folder.Id, $"What is left of a restore could not be cleared up, which is left to the next start: {e.Message}"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new BackupException(
                    Fault.ReadOnly,
                    $"The journal {PathText.Show(folder.Path)} could not be brought to its end: {e.Message}",
                    "Put the disk right, then start this service again before the application, or ask for a restore by name.",
                    e);
            }
        }

        try
        {
            SwapFolder.RemoveDiscarded(folders.Storage);
        }
        catch (IOException e)
        {
            told.Add(new Finding("storage/.backup", $"What is left of a restore could not be cleared up, which is left to the next start: {e.Message}"));
        }

        return told;
    }

    /// <summary>Before a restore: a journal that is still open would be continued over it at the next start.</summary>
    /// <returns>What a person should know of it.</returns>
    /// <exception cref="BackupException">
    /// <see cref="Fault.StorageInUse"/>: it can go on only when nobody uses storage, or by force. <see cref="Fault.ReadOnly"/>: it can be brought to no end; a forced restore of everything sets it aside.
    /// </exception>
    public async Task<IReadOnlyList<Finding>> EndBeforeAsync(RestoreJob job, CancellationToken ct)
    {
        var told = new List<Finding>();
        foreach (var folder in SwapFolder.FindAll(folders.Storage).Where(folder => folder.ReadState() is not (SwapState.Staged or SwapState.Unfinished)))
        {
            if (IsOpen(folder) && !job.Request.Force)
            {
                RequireFree(folder, job.AtStart, ct);
            }

            try
            {
                told.AddRange(await EndAsync(folder));
            }
            catch (BackupException e) when (e.Fault == Fault.ReadOnly && job.Request is { Force: true, Paths.Count: 0, Mode: RestoreMode.Full })
            {
                folder.SetAside();
                told.Add(new Finding(PathText.Show(folder.AsidePath), $"The journal of an earlier restore could be brought to no end and was set aside; what it had replaced lies there until you remove it. {e.Message}"));
            }
        }

        return told;
    }

    /// <summary>Whether a journal is open: storage may be half old, half new.</summary>
    public bool HasOpen()
    {
        try
        {
            return SwapFolder.FindAll(folders.Storage).Any(IsOpen);
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Claims of the restore folder whose restore is in place and only not settled yet: they must never be restored again.</summary>
    public IReadOnlyList<string> HeldClaims() =>
        [.. SwapFolder.FindAll(folders.Storage).Where(folder => folder.ReadState() == SwapState.Done).Select(folder => OriginOf(folder.ReadPlan().Origin)?.Claim).OfType<string>()];

    /// <summary>The restore that waits for a start, the newest if there are several; older ones are removed.</summary>
    public SwapFolder? FindStaged()
    {
        var staged = SwapFolder.FindAll(folders.Storage).Where(folder => folder.ReadState() == SwapState.Staged).ToList();
        foreach (var older in staged.SkipLast(1))
        {
            older.Remove();
        }

        return staged.LastOrDefault();
    }

    /// <summary>Restores that wait for a start, for health. Nothing that cannot be seen.</summary>
    public IReadOnlyList<Finding> ListStaged()
    {
        try
        {
            return [.. SwapFolder.FindAll(folders.Storage).Where(folder => folder.ReadState() == SwapState.Staged)
                .Select(folder => new Finding(folder.ReadOrigin<RestoreOrigin>()?.BackupName ?? folder.Id, "somebody had storage open when it was asked for."))];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static bool IsOpen(SwapFolder folder)
    {
        try
        {
            return folder.ReadState() is SwapState.Commit or SwapState.Rollback;
        }
        catch (IOException)
        {
            // Unknown is no reason to write to storage.
            return true;
        }
    }

    private void RequireFree(SwapFolder folder, bool atStart, CancellationToken ct)
    {
        var owners = OwnerProbe.Look(TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct), static _ => true, ct);
        if (owners.State == OwnerState.InUse || (owners.State == OwnerState.Unknown && !atStart))
        {
            throw new BackupException(
                Fault.StorageInUse,
                $"The restore of {NameOf(folder)} stopped half way and must be brought to its end first, but storage is in use: {string.Join(", ", owners.Users.Take(5).Select(user => user.Where).DefaultIfEmpty(owners.Doubt))}.",
                "Stop the application that has these files open, then ask again, or start this service again before it; or ask with 'force'.");
        }
    }

    private async Task<IReadOnlyList<Finding>> EndAsync(SwapFolder folder)
    {
        var end = await JournaledSwap.RecoverAsync(folder, CheckAsync);
        return end is null ? [] : Settle(end);
    }

    private async Task<IReadOnlyList<Finding>> CheckAsync(SwapPlan plan, CancellationToken ct)
    {
        var problems = OriginOf(plan.Origin) is { Force: true } ? [] : await checkInPlace.RecoverAsync(plan, OriginOf(plan.Origin)?.Damaged ?? [], ct);
        if (problems.Count > 0)
        {
            doubt.Raise($"The restore of {OriginOf(plan.Origin)?.BackupName} did not stand its check in place and is taken back.");
        }

        return problems;
    }

    private IReadOnlyList<Finding> Settle(SwapEnd end)
    {
        var origin = OriginOf(end.Origin);
        var name = origin?.BackupName ?? end.Folder.Id;
        if (end.Applied)
        {
            return [new Finding(name, "Its restore had been cut short, and was finished now."), .. settle.Applied(end.Folder, origin)];
        }

        if (origin is { TakesBack: true })
        {
            return [new Finding(name, "The undo of its restore had been cut short, and was finished now."), .. settle.TakenBack(end.Folder, origin)];
        }

        var setback = end.Setback ?? SwapSetback.Unknown;
        var why = $"{setback.Problems[0].Where}: {setback.Problems[0].Message}";
        var isOfTheArchive = RestoreFolder.LiesInTheArchive(setback.Fault);
        if (origin?.Claim is { } claim)
        {
            if (isOfTheArchive)
            {
                restoreFolder.Fail(claim, $"The restore was taken back: {why}", "Look at the disk and at the log, then try again or use another archive.", clock.GetUtcNow());
            }
            else
            {
                restoreFolder.Unclaim(claim);
            }
        }

        if (end.Folder.HasWaited && !isOfTheArchive)
        {
            end.Folder.WriteState(SwapState.Staged);
        }
        else
        {
            end.Folder.Remove();
        }

        return [new Finding(name, $"Its restore had been cut short, and was taken back now: {why}")];
    }

    private static string NameOf(SwapFolder folder) => OriginOf(folder.ReadPlan().Origin)?.BackupName ?? folder.Id;

    private static RestoreOrigin? OriginOf(JsonElement? origin)
    {
        try
        {
            return origin?.Deserialize<RestoreOrigin>(Json.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
