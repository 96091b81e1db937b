using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Finds databases that somebody dropped as they are, file or folder, instead of an archive.</summary>
internal sealed class FindBareDatabases(WorkFolders folders, FindSources findSources, BackupCatalog catalog)
{
    /// <summary>
    /// Each name that is a database or holds some, and each that is called as a database of the newest backup is, recognised or not: whoever dropped that waits for an answer.
    /// Anything else in the folder is nobody's business.
    /// </summary>
    /// <param name="names">Names in the restore folder that are no archives and not ours.</param>
    public IReadOnlyList<DroppedArchive> Among(IReadOnlyCollection<string> names)
    {
        if (names.Count == 0)
        {
            return [];
        }

        var tree = Walk(folders.Restore, names);
        var databases = In(tree);
        var members = databases.SelectMany(source => source.Files.Select(file => (File: file, source))).DistinctBy(member => member.File, StringComparer.Ordinal)
            .ToDictionary(member => member.File, member => member.source, StringComparer.Ordinal);
        var drops = new List<DroppedArchive>();
        foreach (var node in tree.ChildrenOf("").Where(node => node.Stat.Kind is FileKind.File or FileKind.Directory))
        {
            // A side file goes with its database.
            if (members.TryGetValue(node.Path, out var owner) && owner.Name != node.Path)
            {
                continue;
            }

            var inside = databases.Where(source => source.Name == node.Path || source.Name.StartsWith(node.Path + "/", StringComparison.Ordinal)).ToList();
            if (inside.Count > 0 || BareTarget.IsName(node.Path, Newest()))
            {
                drops.Add(Drop(node, tree, inside is [{ } only] && only.Name == node.Path && node.Stat.Kind == FileKind.File ? [.. only.Files.Where(file => file != node.Path)] : []));
            }
        }

        return drops;
    }

    /// <summary>The one database of a claim.</summary>
    /// <param name="folder">The folder of claims, or of drops.</param>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: there is none in it, or several.</exception>
    public (StorageTree Tree, FoundSource Found) Require(string folder, string claim, params IReadOnlyList<string> sideFiles)
    {
        var tree = Walk(folder, [claim, .. sideFiles]);
        var found = findSources.In(tree).Where(source => source.Source.Engine != Source.PlainFiles).ToList();
        return found switch
        {
            [var only] => (tree, only),
            [] => throw BareTarget.Refused($"{PathText.Show(claim)} is not recognised as a database: it is damaged, of an unknown kind, or empty."),
            _ => throw BareTarget.Refused($"{PathText.Show(claim)} holds {found.Count} databases: {string.Join(", ", found.Take(10).Select(source => PathText.Show(source.Source.Name)))}. One at a time."),
        };
    }

    /// <summary>The newest backup of ours, which knows databases that are missing.</summary>
    public Backup? Newest() => catalog.List().FirstOrDefault(backup => backup is { IsOurs: true, Damage: null });

    private List<Source> In(StorageTree tree) => [.. findSources.In(tree).Select(found => found.Source).Where(source => source.Engine != Source.PlainFiles)];

    private static StorageTree Walk(string folder, IReadOnlyCollection<string> names) =>
        TreeWalker.Walk(folder, (path, _) => !path.Contains('/', StringComparison.Ordinal) && !names.Contains(path, StringComparer.Ordinal));

    private static DroppedArchive Drop(TreeNode node, StorageTree tree, IReadOnlyList<string> sideFiles)
    {
        var nodes = node.Stat.Kind == FileKind.Directory ? tree.Below(node.Path).Prepend(node).ToList() : [node, .. sideFiles.Select(tree.Find).OfType<TreeNode>()];
        return new DroppedArchive(node.Path, tree.FullPath(node.Path), node.Stat)
        {
            Bare = new BareDatabase(sideFiles, [.. nodes.Where(each => each.Stat.Kind == FileKind.File).Select(each => tree.FullPath(each.Path))], TreeDigest.Of(nodes)),
        };
    }
}

/// <summary>What is special about a drop that is a database and no archive.</summary>
/// <param name="SideFiles">Names beside it in the restore folder that belong to it, such as <c>x-wal</c>.</param>
/// <param name="Files">Absolute paths of all its files.</param>
/// <param name="Digest">Differs whenever any of them does.</param>
internal sealed record BareDatabase(IReadOnlyList<string> SideFiles, IReadOnlyList<string> Files, string Digest);
