using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Tests.Archive;

/// <summary>Everything that must survive a round trip, one line for each name, so that two folders can be compared as text.</summary>
internal static class TreeText
{
    /// <param name="ignore">Names (and all below) to leave out.</param>
    /// <param name="seconds">Times without their fraction, and none of symlinks, for tools that do not keep them.</param>
    public static string Of(string root, Func<string, bool>? ignore = null, bool seconds = false)
    {
        var text = new StringBuilder();
        var tree = TreeWalker.Walk(root);
        var first = new Dictionary<ulong, string>();
        foreach (var node in tree.Nodes.OrderBy(node => node.Path, Comparer<string>.Create(PathText.CompareBytes)))
        {
            if (ignore?.Invoke(node.Path) == true)
            {
                continue;
            }

            var stat = node.Stat;
            var content = stat.Kind == FileKind.File ? Hash(tree.FullPath(node.Path)) : node.LinkTarget is null ? "" : PathText.Show(node.LinkTarget);
            var sameAs = stat.Kind == FileKind.File && stat.Links > 1 && !first.TryAdd(stat.Inode, node.Path) ? first[stat.Inode] : "";
            text.Append(CultureInfo.InvariantCulture, $"{PathText.Show(node.Path)}|{stat.Kind}|{Convert.ToString(stat.Mode, 8)}|{stat.Uid}:{stat.Gid}|{(seconds && stat.Kind == FileKind.Symlink ? 0 : stat.Modified.Seconds)}.{(seconds ? 0 : stat.Modified.Nanoseconds):D9}|{(stat.Kind == FileKind.File ? stat.Size : 0)}|{content}|{PathText.Show(sameAs)}\n");
        }

        return text.ToString();
    }

    private static string Hash(string path)
    {
        using var handle = Posix.OpenRead(path);
        using var file = new FileStream(handle, FileAccess.Read);
        return Convert.ToHexString(SHA256.HashData(file))[..16];
    }
}
