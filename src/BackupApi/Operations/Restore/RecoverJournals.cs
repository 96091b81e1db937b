using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>At a start: brings every swap that a kill left behind to its end, and settles what hangs on it.</summary>
internal sealed class RecoverJournals(WorkFolders folders, FindSources findSources, RestoreFolder restoreFolder, LastRestore lastRestore, HealMemory healMemory, Doubt doubt, TimeProvider clock)
{
    private readonly CheckInPlace checkInPlace = new(findSources, folders);

    /// <summary>What was done, for the log and for health; empty after a clean stop.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: a journal could be brought to no end.</exception>
    public async Task<IReadOnlyList<Finding>> RunAsync()
    {
        var told = new List<Finding>();
        foreach (var folder in SwapFolder.FindAll(folders.Storage))
        {
            var end = await JournaledSwap.RecoverAsync(folder, CheckAsync);
            if (end is not null)
            {
                told.Add(Settle(end));
                if (end.Applied && OriginOf(end.Origin) is { KeepsReplaced: true })
                {
                    KeptSwap.Keep(folder);
                }
                else
                {
                    folder.Remove();
                }
            }
        }

        SwapFolder.RemoveDiscarded(folders.Storage);
        return told;
    }

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

    private async Task<IReadOnlyList<Finding>> CheckAsync(SwapPlan plan, CancellationToken ct)
    {
        var problems = OriginOf(plan.Origin) is { Force: true } ? [] : await checkInPlace.RecoverAsync(plan, OriginOf(plan.Origin)?.Damaged ?? [], ct);
        if (problems.Count > 0)
        {
            doubt.Raise($"The restore of {OriginOf(plan.Origin)?.BackupName} did not stand its check in place and is taken back.");
        }

        return problems;
    }

    private Finding Settle(SwapEnd end)
    {
        var origin = OriginOf(end.Origin);
        var name = origin?.BackupName ?? end.Folder.Id;
        if (end.Applied)
        {
            if (origin is { IsHealing: false })
            {
                lastRestore.Write(origin);
                KeptSwap.RemoveAll(folders.Storage);
            }

            foreach (var healed in origin is { IsHealing: true } ? origin.Paths : [])
            {
                healMemory.RememberHealing(healed, clock.GetUtcNow());
            }

            if (origin?.Claim is { } claim)
            {
                restoreFolder.Finish(claim);
            }

            return new Finding(name, "Its restore was cut short by the end of the service, and was finished at this start.");
        }

        var why = end.Problems.Count > 0 ? $"{end.Problems[0].Where}: {end.Problems[0].Message}" : "the check in place had failed";
        if (origin?.Claim is { } refused)
        {
            restoreFolder.Fail(refused, $"The restore was taken back: {why}", "Look at the disk and at the log, then try again or use another archive.", clock.GetUtcNow());
        }

        return new Finding(name, $"Its restore was cut short by the end of the service, and was taken back at this start: {why}");
    }

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
