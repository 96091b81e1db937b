using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>One name found under storage.</summary>
/// <param name="Path">Relative to the tree's root, with <c>/</c>; never empty.</param>
/// <param name="LinkTarget">What a symlink says, not resolved; null for everything else.</param>
internal sealed record TreeNode(string Path, FileStat Stat, string? LinkTarget)
{
    public string Folder => Path.LastIndexOf('/') is var slash and >= 0 ? Path[..slash] : "";

    public string FileName => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>The names under a folder as they stood when it was walked, parents before children, each folder sorted by bytes.</summary>
internal sealed class StorageTree
{
    /// <summary>How much of a file <see cref="ReadHead"/> gives: enough for every magic this service knows.</summary>
    public const int HeadLength = 4096;

    private readonly Dictionary<string, TreeNode> byPath;

    public StorageTree(string root, IReadOnlyList<TreeNode> nodes, IReadOnlyList<Finding> skipped, IReadOnlyList<Finding> unreadable)
    {
        Root = root;
        Nodes = nodes;
        Skipped = skipped;
        Unreadable = unreadable;
        byPath = nodes.ToDictionary(node => node.Path, StringComparer.Ordinal);
    }

    /// <summary>Absolute path of the folder that was walked.</summary>
    public string Root { get; }

    public IReadOnlyList<TreeNode> Nodes { get; }

    /// <summary>What is no data and was left out, with the reason: sockets, pipes, devices, <c>lost+found</c>.</summary>
    public IReadOnlyList<Finding> Skipped { get; }

    /// <summary>What could not be looked at: folders that may not be listed, names whose facts the disk does not give.</summary>
    public IReadOnlyList<Finding> Unreadable { get; }

    public TreeNode? Find(string path) => byPath.GetValueOrDefault(path);

    public string FullPath(string path) => path.Length == 0 ? Root : $"{Root}/{path}";

    /// <summary>Up to the first <see cref="HeadLength"/> bytes of a regular file; empty when it cannot be read or is gone. Takes no lock.</summary>
    public byte[] ReadHead(TreeNode node)
    {
        if (node.Stat.Kind != FileKind.File || node.Stat.Size == 0)
        {
            return [];
        }

        try
        {
            using var file = Posix.OpenRead(FullPath(node.Path));
            var head = new byte[Math.Min(HeadLength, node.Stat.Size)];
            var length = RandomAccess.Read(file, head, 0);
            return length == head.Length ? head : head[..length];
        }
        catch (IOException)
        {
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }
}
