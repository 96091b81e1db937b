using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>Tells LevelDB and RocksDB folders from others by what their files hold; names alone decide only where the content is torn.</summary>
internal static class FolderKind
{
    public const string LevelDb = "leveldb";
    public const string RocksDb = "rocksdb";

    /// <summary>Sources of one kind in the tree: one for each folder, its own files only.</summary>
    public static IEnumerable<Source> Find(string kind, StorageTree tree, Func<string, bool> isFree)
    {
        // In the order of their first files.
        foreach (var (folder, files) in FoldersToLookAt(tree).Select(folder => (folder, FilesOf(folder, tree, isFree))).OrderBy(folder => folder.Item2.Count == 0 ? 0 : tree.PlaceOf(folder.Item2[0].Node.Path)))
        {
            if (IsRepairRest(tree, folder) || KindOf(tree, files) != kind)
            {
                continue;
            }

            var own = files.Where(file => file.Name.Role != FileRole.Foreign || (kind == RocksDb && RocksDbEngine.IsOwnName(file.Name.Name)));
            yield return new Source(folder.Length == 0 ? "." : folder, kind, [.. own.Select(file => file.Node.Path)]);
        }
    }

    /// <summary>The two kinds of file whose heads are looked at; the names of the others suffice.</summary>
    public static bool MayOwn(TreeNode node) => FileName.Parse(node.FileName).Role is FileRole.Current or FileRole.Manifest;

    private static List<(TreeNode Node, FileName Name)> FilesOf(string folder, StorageTree tree, Func<string, bool> isFree) =>
        [.. tree.ChildrenOf(folder).Where(node => node.Stat.Kind == FileKind.File && isFree(node.Path)).Select(node => (node, FileName.Parse(node.FileName)))];

    /// <summary>Those with a file without which <see cref="KindOf"/> says no: told by the names alone, because there may be a million.</summary>
    private static List<string> FoldersToLookAt(StorageTree tree)
    {
        var folders = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tree.Nodes.Count; i++)
        {
            if (tree.Nodes.KindAt(i) == FileKind.File)
            {
                var path = tree.Nodes.PathAt(i);
                var slash = path.LastIndexOf('/');
                if (FileName.Parse(path[(slash + 1)..]).Role is FileRole.Current or FileRole.Manifest or FileRole.Table && known.Add(slash < 0 ? "" : path[..slash]))
                {
                    folders.Add(slash < 0 ? "" : path[..slash]);
                }
            }
        }

        return folders;
    }

    private static string? KindOf(StorageTree tree, List<(TreeNode Node, FileName Name)> files)
    {
        var roles = files.Select(file => file.Name.Role).ToHashSet();
        if (!roles.Overlaps([FileRole.Current, FileRole.Manifest, FileRole.Table]) || roles.Count(role => role != FileRole.Foreign) < 2)
        {
            return null;
        }

        var manifests = files.Where(file => file.Name.Role == FileRole.Manifest).Select(file => ManifestHead.Judge(tree.ReadHead(file.Node))).ToList();
        if (manifests.Contains(ManifestHead.Kind.RocksDb) || (roles.Contains(FileRole.Current) && files.Exists(file => RocksDbEngine.IsOwnName(file.Name.Name))))
        {
            return RocksDb;
        }

        var current = files.Find(file => file.Name.Role == FileRole.Current).Node;
        var isSound = manifests.Contains(ManifestHead.Kind.LevelDb) || (current is not null && FileName.ManifestNamedBy(tree.ReadHead(current)) is not null);
        if (isSound)
        {
            return LevelDb;
        }

        if (files.Find(file => file.Name.Role == FileRole.Table).Node is { } table)
        {
            return TableKind(tree.FullPath(table.Path)) ?? (roles.Contains(FileRole.Manifest) ? LevelDb : null);
        }

        // CURRENT and MANIFEST both torn, or one torn and the other gone: the rest of the names says so.
        return roles.Contains(FileRole.Manifest) && roles.Overlaps([FileRole.Current, FileRole.Log, FileRole.Lock]) ? LevelDb : null;
    }

    private static string? TableKind(string path)
    {
        try
        {
            using var file = Posix.OpenRead(path);
            Span<byte> magic = stackalloc byte[8];
            var length = RandomAccess.GetLength(file);
            return length < TableFile.FooterBytes || QuietCopy.ReadFully(file, magic, length - 8) < 8 ? null
                : magic.SequenceEqual(TableFile.Magic) ? LevelDb
                : magic.SequenceEqual(RocksDbEngine.TableMagic) ? RocksDb
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The folder in which the engine's repair lays down what it could not use: not a database of its own.</summary>
    private static bool IsRepairRest(StorageTree tree, string folder) =>
        folder is "lost" ? tree.Find("CURRENT") is not null
        : folder.EndsWith("/lost", StringComparison.Ordinal) && tree.Find($"{folder[..^5]}/CURRENT") is not null;
}
