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

    /// <summary>Makes a journal of what was kept last: from here on the swap goes back, whatever happens. Null when nothing is kept.</summary>
    public static SwapFolder? TakeUp(string root)
    {
        if (In(root) is not [.., var name])
        {
            return null;
        }

        // Storage may have been copied to another disk since: what lies in place now is what must go. A kill in between leaves it kept: nothing asks for the state of what is kept.
        var kept = $"{Reserved(root)}/{name}";
        var plan = SwapPlan.FromJson(SwapFolder.ReadAll($"{kept}/plan.json"));
        plan = plan with { Steps = [.. plan.Steps.Select(step => step.Action == SwapAction.Exchange ? step with { StagedInode = Posix.FindStat($"{root}/{step.Path}")?.Inode ?? 0 } : step)] };
        AtomicFile.Write($"{kept}/plan.json", plan.ToJson());
        SwapFolder.WriteState(kept, SwapState.Rollback);
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
        }

        SwapFolder.RemoveDiscarded(root);
    }

    private static string Reserved(string root) => $"{root}/{SwapFolder.ReservedName}";

    private static List<string> In(string root) =>
        Posix.FindStat(Reserved(root)) is not { Kind: Model.FileKind.Directory } ? [] : Posix.ListNames(Reserved(root)).FindAll(name => name.StartsWith(Prefix, StringComparison.Ordinal));
}
