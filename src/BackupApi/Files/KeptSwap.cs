using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>What a restore replaced, kept as <c>.backup/kept-ID/</c> because there was no room for a backup of it: the whole working folder of its swap, under a name that no recovery looks into.</summary>
internal static class KeptSwap
{
    private const string Prefix = "kept-";

    /// <summary>Instead of <see cref="SwapFolder.Remove"/>, at the end of a swap that was done. One rename.</summary>
    public static void Keep(SwapFolder folder)
    {
        Posix.Rename(folder.Path, $"{Reserved(folder.Root)}/{Prefix}{folder.Id}");
        Posix.FlushFolder(Reserved(folder.Root));
    }

    /// <summary>The steps that would be taken back. Null when nothing is kept.</summary>
    public static IReadOnlyList<SwapStep>? FindSteps(string root) => In(root) is [.., var name] ? PlanOf($"{Reserved(root)}/{name}").Steps : null;

    /// <summary>Makes a journal of what was kept last: from here on the swap goes back, whatever happens. Null when nothing is kept.</summary>
    /// <param name="origin">Who takes it back: handed back by the journal instead of who asked for the swap.</param>
    /// <exception cref="IOException">Nothing was begun.</exception>
    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: see <see cref="SwapPromise"/>.</exception>
    public static SwapFolder? TakeUp(string root, JsonElement origin)
    {
        if (In(root) is not [.., var name])
        {
            return null;
        }

        // Storage may have been copied to another disk since: what lies in place now is what must go. A kill in between leaves it kept: nothing asks for the state of what is kept.
        var kept = $"{Reserved(root)}/{name}";
        var plan = PlanOf(kept);
        plan = plan with { Origin = origin, Steps = [.. plan.Steps.Select(step => step.Action == SwapAction.Exchange ? step with { StagedInode = Posix.FindStat($"{root}/{step.Path}")?.Inode ?? 0 } : step)] };
        AtomicFile.Write($"{kept}/plan.json", plan.ToJson());
        SwapStateFile.Write(kept, SwapState.Rollback);
        var folder = new SwapFolder(root, name[Prefix.Length..]);
        SwapPromise.TakeUp(kept, folder);
        return folder;
    }

    /// <summary>Removes what was kept: a later restore has its own way back.</summary>
    public static void RemoveAll(string root)
    {
        foreach (var name in In(root))
        {
            Posix.Rename($"{Reserved(root)}/{name}", $"{Reserved(root)}/{SwapFolder.DiscardedPrefix}{name}");
            Posix.FlushFolder(Reserved(root));
        }

        SwapFolder.RemoveDiscarded(root);
    }

    private static SwapPlan PlanOf(string kept) => SwapPlan.FromJson(SwapFolder.ReadAll($"{kept}/plan.json"));

    private static string Reserved(string root) => $"{root}/{SwapFolder.ReservedName}";

    private static List<string> In(string root) =>
        Posix.FindStat(Reserved(root)) is not { Kind: FileKind.Directory } ? [] : Posix.ListNames(Reserved(root)).FindAll(name => name.StartsWith(Prefix, StringComparison.Ordinal));
}
