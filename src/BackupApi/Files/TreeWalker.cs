using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Walks a folder in a stable order: parents before children, names in the order of their bytes.</summary>
internal static class TreeWalker
{
    /// <summary>What tar and other tools can put down again. The path of the tree itself comes on top of that (<see cref="DeepPath"/>).</summary>
    public const int MaxNameBytes = DeepPath.MaxBytes - 1;

    /// <summary>Walks everything below <paramref name="root"/>. Symlinks are listed and never followed.</summary>
    /// <param name="isExcluded">Folders and files to leave out silently (our own), by their facts and relative path.</param>
    /// <exception cref="PosixException">The root itself cannot be listed. A folder below it that cannot be is reported in <see cref="StorageTree.Unreadable"/>.</exception>
    public static StorageTree Walk(string root, Func<string, FileStat, bool>? isExcluded = null, CancellationToken ct = default)
    {
        var walk = new Walking(root, isExcluded ?? (static (_, _) => false), Posix.FindTargetStat(root)?.MountId ?? 0);
        walk.Enter("", ct);
        return new StorageTree(root, walk.Nodes, walk.Skipped, walk.Unreadable);
    }

    private sealed class Walking(string root, Func<string, FileStat, bool> isExcluded, ulong rootMount)
    {
        public NodeList Nodes { get; } = new();

        public List<Finding> Skipped { get; } = [];

        public List<Finding> Unreadable { get; } = [];

        public void Enter(string folder, CancellationToken ct)
        {
            ct.ThrowIfCancellationRequested();
            foreach (var name in Posix.ListNames(folder.Length == 0 ? root : $"{root}/{folder}"))
            {
                var path = folder.Length == 0 ? name : $"{folder}/{name}";
                try
                {
                    Add(path, name, ct);
                }
                catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
                {
                    // Gone between the listing and the look: the owner removed it.
                }
                catch (PosixException e)
                {
                    Unreadable.Add(new Finding(PathText.Show(path), e.Message));
                }
            }
        }

        private void Add(string path, string name, CancellationToken ct)
        {
            if (path.Length > MaxNameBytes / 4 && PathText.Encode(path).Length > MaxNameBytes)
            {
                Unreadable.Add(new Finding(PathText.Show(path), $"Its name from storage on is longer than {MaxNameBytes} bytes: no archive holds it, so it is left out, with all below it."));
                return;
            }

            var stat = Posix.Stat($"{root}/{path}");
            if (isExcluded(path, stat))
            {
                return;
            }

            if (stat.Kind == FileKind.Other)
            {
                Skipped.Add(new Finding(PathText.Show(path), "A socket, pipe or device: its content is not data, so it is left out."));
                return;
            }

            if (stat.Kind == FileKind.Directory && name == "lost+found" && IsMountRoot(path))
            {
                Skipped.Add(new Finding(PathText.Show(path), "The file system's own lost+found is left out."));
                return;
            }

            Nodes.Add(new TreeNode(path, stat, stat.Kind == FileKind.Symlink ? Posix.ReadLink($"{root}/{path}") : null));
            if (stat.Kind == FileKind.Directory)
            {
                Enter(path, ct);
            }
        }

        private bool IsMountRoot(string path) =>
            !path.Contains('/', StringComparison.Ordinal) || Posix.Stat($"{root}/{path[..path.LastIndexOf('/')]}").MountId != rootMount;
    }
}
