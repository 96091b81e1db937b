using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What was unpacked beside storage and stood its check.</summary>
/// <param name="IsSelected">What the restore is about, in storage as in the tree.</param>
/// <param name="IsEverything">Storage as a whole becomes the tree; else only what is selected.</param>
/// <param name="Warnings">Facts of files that could not be given back.</param>
internal sealed record StagedTree(StorageTree Tree, IReadOnlyList<CheckedSource> Sources, Func<string, bool> IsSelected, bool IsEverything, IReadOnlyList<Finding> Warnings)
{
    public long Files => Tree.Nodes.Count(node => node.Stat.Kind != FileKind.Directory);

    public long Bytes => Tree.Nodes.Where(node => node.Stat.Kind == FileKind.File).Sum(node => node.Stat.Size);
}

/// <summary>What a restore of some paths may remove: nothing but what belongs to a database that it brings back.</summary>
internal static class PartialRules
{
    public static SwapRules For(StorageTree live, StagedTree staged, FindSources findSources)
    {
        // A side file that the backup does not hold would be replayed over the restored database; the rest of a folder is nobody's to remove.
        var restored = staged.Sources.Select(source => source.Found.Source).ToList();
        var names = restored.Select(source => source.Name).ToHashSet(StringComparer.Ordinal);
        var members = findSources.In(live).Where(found => names.Contains(found.Source.Name)).SelectMany(found => found.Source.Files)
            .Concat(names.SelectMany(SideFiles)).ToHashSet(StringComparer.Ordinal);
        var folders = names.Where(name => staged.Tree.Find(name) is { Stat.Kind: FileKind.Directory }).Select(name => name + "/").ToList();
        return new SwapRules(KeptLocks.In(live, staged.Tree), path => members.Contains(path) || folders.Exists(folder => path.StartsWith(folder, StringComparison.Ordinal)), staged.IsSelected);
    }

    /// <summary>By their names too: beside a database that is too damaged to be recognised they would be replayed all the same.</summary>
    public static IEnumerable<string> SideFiles(string name)
    {
        var (stem, ending) = name.LastIndexOf('.') is var dot && dot > name.LastIndexOf('/') + 1 ? (name[..dot], name[dot..]) : (name, "");
        return [$"{name}-wal", $"{name}-shm", $"{name}-journal", $"{stem}-log{ending}", $"{stem}-tmp{ending}"];
    }
}

/// <summary>Leaves of an unpacked tree only what was asked for, and the folders that lead to it.</summary>
internal static class PruneTree
{
    public static StorageTree To(StorageTree tree, Func<string, bool> isSelected)
    {
        for (var i = tree.Nodes.Count - 1; i >= 0; i--)
        {
            var node = tree.Nodes[i];
            if (isSelected(node.Path))
            {
                continue;
            }

            var path = tree.FullPath(node.Path);
            if (node.Stat.Kind != FileKind.Directory)
            {
                Posix.Unlink(path);
            }
            else if (Posix.ListNames(path).Count == 0)
            {
                Posix.RemoveFolder(path);
            }
        }

        // Removing names changed the times of the folders they lay in.
        foreach (var node in tree.Nodes.Where(node => node.Stat.Kind == FileKind.Directory && Posix.FindStat(tree.FullPath(node.Path)) is not null))
        {
            Posix.SetModified(tree.FullPath(node.Path), node.Stat.Modified);
        }

        return TreeWalker.Walk(tree.Root);
    }
}
