using System.Security.Cryptography;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Tests.Support;

/// <summary>Everything a restore must bring back of a folder, as lines that compare: kind, mode, owner, time, content or target, hard-link structure.</summary>
public static class TreeImage
{
    /// <summary>One line for each name below <paramref name="root"/>, sorted; the reserved folder at the root is left out.</summary>
    public static string Of(string root)
    {
        var tree = TreeWalker.Walk(root, static (path, _) => SwapFolder.IsReserved(path));
        var firstOfInode = new Dictionary<ulong, string>();
        return string.Join('\n', tree.Nodes.Select(node => Line(tree, node, firstOfInode)));
    }

    /// <summary>As <see cref="Of"/>, without the times: for trees whose owner writes on.</summary>
    public static string ContentOf(string root)
    {
        var tree = TreeWalker.Walk(root, static (path, _) => SwapFolder.IsReserved(path));
        return string.Join('\n', tree.Nodes.Select(node => $"{PathText.Show(node.Path)} {node.Stat.Kind} {Content(tree, node)}"));
    }

    private static string Line(StorageTree tree, TreeNode node, Dictionary<ulong, string> firstOfInode)
    {
        var first = node.Stat is { Kind: FileKind.File, Links: > 1 } && !firstOfInode.TryAdd(node.Stat.Inode, node.Path) ? $" = {firstOfInode[node.Stat.Inode]}" : "";
        var mode = node.Stat.Kind == FileKind.Symlink ? "" : Convert.ToString(node.Stat.Mode, 8);
        return $"{PathText.Show(node.Path)} {node.Stat.Kind} {mode} {node.Stat.Uid}:{node.Stat.Gid} {node.Stat.Modified.Seconds}.{node.Stat.Modified.Nanoseconds:D9} {Content(tree, node)}{first}";
    }

    private static string Content(StorageTree tree, TreeNode node)
    {
        if (node.Stat.Kind != FileKind.File)
        {
            return node.LinkTarget ?? "";
        }

        using var file = Posix.OpenRead(tree.FullPath(node.Path));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[65536];
        for (long offset = 0; RandomAccess.Read(file, buffer, offset) is var read and > 0; offset += read)
        {
            hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
