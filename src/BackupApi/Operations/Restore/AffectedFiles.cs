using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>The live files that a restore may exchange or remove, and every file of a database that it brings back: whoever has one of these open must stop first.</summary>
/// <remarks>
/// A plain file that is identical in storage and in the backup is neither rewritten nor touched, so nobody is asked about it. A database counts as a whole:
/// an owner who is at rest has changed nothing yet, and would write over what is restored around it.
/// </remarks>
/// <param name="firstLook">When the owners were first looked for: what changed since is looked at again.</param>
internal sealed class AffectedFiles(StagedTree staged, UnixTime firstLook)
{
    /// <summary>How far the clock that stamps files may lag behind ours: a tick of the kernel, with ample room.</summary>
    private const int StampDoubtSeconds = 2;

    private readonly HashSet<string> members = staged.Sources.SelectMany(source => source.Found.Source.Files).ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string> databases = staged.Sources.Select(source => source.Found.Source.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>Before the safety backup, by the facts alone.</summary>
    public OwnerReport LookAtOwners(StorageTree live, CancellationToken ct)
    {
        var isConcerned = new HashSet<string>(live.Nodes.Where(Differs).Select(node => node.Path), StringComparer.Ordinal);
        return OwnerProbe.Look(live, isConcerned.Contains, ct);
    }

    /// <summary>Before the swap: what turned out to differ in its content only, and what changed since the first look.</summary>
    public OwnerReport LookAgain(StorageTree live, SwapDifference difference, OwnerReport before, CancellationToken ct)
    {
        var isConcerned = new HashSet<string>(
            difference.Steps.Where(step => step.Action is SwapAction.Exchange or SwapAction.Remove)
                .SelectMany(step => live.Below(step.Path).Prepend(live.Find(step.Path)!))
                .Where(node => !Differs(node) || IsYoung(node)).Select(node => node.Path),
            StringComparer.Ordinal);
        var now = OwnerProbe.Look(live, isConcerned.Contains, ct);
        var state = now.State > before.State ? now.State : before.State;
        var users = before.Users.Concat(now.Users).DistinctBy(user => user.Where, StringComparer.Ordinal).Take(OwnerProbe.MaxNamed);
        return new OwnerReport(state, [.. users], state == OwnerState.Unknown ? before.Doubt ?? now.Doubt : null);
    }

    public static BackupException InUse(OwnerReport owners) => new(
        Fault.StorageInUse,
        $"Storage is in use, so nothing was restored: {string.Join(", ", owners.Users.Take(5).Select(user => user.Where))}.",
        "Stop the application that has these files open and start this service again before it, or ask for the restore with 'force'.");

    private bool Differs(TreeNode node) =>
        node.Stat.Kind == FileKind.File && staged.IsSelected(node.Path)
        && (IsOfDatabase(node.Path) || staged.Tree.Find(node.Path) is not { } coming || !SameFile.FactsAgree(node, coming));

    /// <summary>By its name too: a side file, or a LOCK, lies beside the database or in its folder and is in no archive.</summary>
    private bool IsOfDatabase(string path)
    {
        if (members.Contains(path) || databases.Contains(".") || databases.Contains(path))
        {
            return true;
        }

        var names = databases.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var i = 0; databases.Count > 0 && i < path.Length; i++)
        {
            if (path[i] is '/' or '-' && names.Contains(path.AsSpan(0, i)))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsYoung(TreeNode node) => node.Stat.Changed.CompareTo(firstLook with { Seconds = firstLook.Seconds - StampDoubtSeconds }) >= 0;
}
