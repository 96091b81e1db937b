using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>What a restore may do to storage besides bringing in what is staged. All paths are relative to the root.</summary>
/// <param name="Keeps">Live names that are never touched, whatever the staged tree holds: ours, and a lock somebody holds.</param>
/// <param name="Removes">Live names, without a staged side, that go.</param>
/// <param name="SetsAttributes">Staged folders whose owner, mode and time are wanted; false for parents that only lead to what was asked for.</param>
internal sealed record SwapRules(Func<string, bool> Keeps, Func<string, bool> Removes, Func<string, bool> SetsAttributes)
{
    /// <summary>Storage becomes what is staged.</summary>
    public static SwapRules Everything(Func<string, bool> keeps) => new(keeps, static _ => true, static _ => true);

    /// <summary>Live names that the walk left out (our own folders below storage) or could not look into: they stay, and so does every folder they lie in.</summary>
    public IReadOnlyCollection<string> Unseen { get; init; } = [];
}

/// <summary>What two trees differ in, as steps of a swap.</summary>
/// <param name="UnchangedFiles">Live files that are identical to the staged ones and stay untouched.</param>
/// <param name="Kept">Live names that stay because a rule keeps them.</param>
internal sealed record SwapDifference(IReadOnlyList<SwapStep> Steps, long UnchangedFiles, long UnchangedBytes, IReadOnlyList<string> Kept);

/// <summary>Finds the fewest and smallest exchanges that turn the live tree into the staged one.</summary>
/// <remarks>
/// What is identical (kind, owner, mode, nanosecond time, content read and compared, hard-link structure) is left in place, so a folder is exchanged as a whole
/// only when nothing in it stays. Reads both trees, writes nothing.
/// </remarks>
internal sealed class TreeCompare
{
    private readonly StorageTree live;
    private readonly StorageTree staged;
    private readonly SwapRules rules;
    private readonly SameFile sameFile;
    private readonly HashSet<string> unseen;
    private readonly HashSet<string> aboveUnseen;
    private readonly List<string> kept = [];
    private long unchangedFiles;
    private long unchangedBytes;

    private TreeCompare(StorageTree live, StorageTree staged, SwapRules rules)
    {
        this.live = live;
        this.staged = staged;
        this.rules = rules;
        sameFile = new SameFile(live, staged);
        unseen = rules.Unseen.ToHashSet(StringComparer.Ordinal);
        aboveUnseen = rules.Unseen.SelectMany(FoldersOf).Concat(unseen).ToHashSet(StringComparer.Ordinal);
    }

    /// <exception cref="BackupException"><see cref="Fault.StorageInUse"/>: something that must stay lies where the backup holds something that is no folder.</exception>
    public static SwapDifference Of(StorageTree live, StorageTree staged, SwapRules rules, CancellationToken ct)
    {
        var compare = new TreeCompare(live, staged, rules);
        compare.sameFile.CompareContents(ct);
        var steps = compare.Folder("", ct).Steps;
        return new SwapDifference(steps, compare.unchangedFiles, compare.unchangedBytes, compare.kept);
    }

    /// <summary>The steps inside a folder that exists on both sides, and whether anything in it stays.</summary>
    private (List<SwapStep> Steps, bool Stays) Folder(string folder, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var steps = new List<SwapStep>();
        var added = new List<SwapStep>();
        var stays = false;
        using var incoming = staged.ChildrenOf(folder).GetEnumerator();
        var hasComing = incoming.MoveNext();
        foreach (var here in live.ChildrenOf(folder))
        {
            // Both sides come in the order of a walk.
            for (; hasComing && PathText.ComparePaths(incoming.Current.Path, here.Path) < 0; hasComing = incoming.MoveNext())
            {
                Coming(incoming.Current, added);
            }

            if (hasComing && incoming.Current.Path == here.Path)
            {
                stays |= Both(here, incoming.Current, steps, ct);
                hasComing = incoming.MoveNext();
            }
            else
            {
                stays |= Gone(here, steps);
            }
        }

        for (; hasComing; hasComing = incoming.MoveNext())
        {
            Coming(incoming.Current, added);
        }

        steps.AddRange(added);
        return (steps, stays);
    }

    /// <summary>A name that exists on the staged side only; the reserved one at the root never goes in.</summary>
    private void Coming(TreeNode node, List<SwapStep> added)
    {
        if (!SwapFolder.IsReserved(node.Path) && !unseen.Contains(node.Path))
        {
            added.Add(new SwapStep(node.Path, SwapAction.Add, node.Stat.Inode, After: FolderFacts(node)));
        }
    }

    /// <returns>Whether something stays.</returns>
    private bool Gone(TreeNode here, List<SwapStep> steps)
    {
        if (Keeps(here))
        {
            return true;
        }

        if (!rules.Removes(here.Path))
        {
            return true;
        }

        if (here.Stat.Kind == FileKind.Directory && (aboveUnseen.Contains(here.Path) || live.Below(here.Path).Any(node => rules.Keeps(node.Path) || !rules.Removes(node.Path))))
        {
            foreach (var child in live.ChildrenOf(here.Path))
            {
                _ = Gone(child, steps);
            }

            return true;
        }

        steps.Add(new SwapStep(here.Path, SwapAction.Remove, Before: FolderFacts(here)));
        return false;
    }

    /// <returns>Whether something stays.</returns>
    private bool Both(TreeNode here, TreeNode coming, List<SwapStep> steps, CancellationToken ct)
    {
        if (Keeps(here))
        {
            return true;
        }

        if (here.Stat.Kind == FileKind.Directory && coming.Stat.Kind == FileKind.Directory)
        {
            return BothFolders(here, coming, steps, ct);
        }

        if (here.Stat.Kind != FileKind.Directory && sameFile.IsSame(here, coming, ct))
        {
            unchangedFiles++;
            unchangedBytes += here.Stat.Kind == FileKind.File ? here.Stat.Size : 0;
            return true;
        }

        if (here.Stat.Kind == FileKind.Directory && (aboveUnseen.Contains(here.Path) || live.Below(here.Path).Any(node => rules.Keeps(node.Path))))
        {
            throw new BackupException(
                Fault.StorageInUse,
                $"Something in {PathText.Show(here.Path)} must stay (a lock somebody holds, a folder of this service, or one that cannot be read), but the backup holds a file in its place.",
                "Stop the application that has it open, or move away what lies there, then ask again.");
        }

        steps.Add(new SwapStep(here.Path, SwapAction.Exchange, coming.Stat.Inode, FolderFacts(here), FolderFacts(coming)));
        return false;
    }

    private bool BothFolders(TreeNode here, TreeNode coming, List<SwapStep> steps, CancellationToken ct)
    {
        var (inside, stays) = Folder(here.Path, ct);
        if (!stays && !aboveUnseen.Contains(here.Path) && inside.Count > 0 && rules.SetsAttributes(here.Path))
        {
            steps.Add(new SwapStep(here.Path, SwapAction.Exchange, coming.Stat.Inode, FolderFacts(here), FolderFacts(coming)));
            return false;
        }

        steps.AddRange(inside);
        var (before, after) = (SwapAttributes.Of(here.Stat), SwapAttributes.Of(coming.Stat));
        if (rules.SetsAttributes(here.Path) && (inside.Count > 0 || before != after))
        {
            steps.Add(new SwapStep(here.Path, SwapAction.Attributes, 0, before, after));
        }

        return true;
    }

    private static SwapAttributes? FolderFacts(TreeNode node) => node.Stat.Kind == FileKind.Directory ? SwapAttributes.Of(node.Stat) : null;

    private bool Keeps(TreeNode here)
    {
        if (!rules.Keeps(here.Path) && !SwapFolder.IsReserved(here.Path))
        {
            return false;
        }

        kept.Add(here.Path);
        return true;
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            yield return path[..slash];
        }
    }
}
