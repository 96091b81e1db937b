using System.Globalization;
using System.Security.Cryptography;
using System.Text.Unicode;

namespace BackupApi.Files;

/// <summary>One number for the names and fingerprints of a whole tree: equal digests mean that nothing changed, within the bounds of fingerprints.</summary>
internal static class TreeDigest
{
    /// <summary>Eleven numbers of at most 20 digits, the longest kind, what stands between them.</summary>
    private const int FactsLength = 256;

    /// <summary>SHA-256, lower-case hexadecimal, over path, identity, size, times, mode and owner of every node in order.</summary>
    /// <remarks>SQLite's own scratch memory (<c>-shm</c>) is left out, and so is the ctime of a <c>-wal</c>: reading a live database changes them (sqlite.org/wal.html).</remarks>
    public static string Of(StorageTree tree) => Of(tree.Nodes);

    /// <summary>The same over some nodes of a tree.</summary>
    public static string Of(IReadOnlyList<TreeNode> nodes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> facts = stackalloc byte[FactsLength];
        foreach (var node in nodes.Where(n => !n.Path.EndsWith("-shm", StringComparison.Ordinal)))
        {
            var s = node.Stat;
            var changed = node.Path.EndsWith("-wal", StringComparison.Ordinal) ? default : s.Changed;
            hash.AppendData(PathText.Encode(node.Path));
            _ = Utf8.TryWrite(
                facts,
                CultureInfo.InvariantCulture,
                $"\0{s.Kind}/{s.Device}/{s.Inode}/{s.Size}/{s.Modified.Seconds}.{s.Modified.Nanoseconds}/{changed.Seconds}.{changed.Nanoseconds}/{s.Mode}/{s.Uid}/{s.Gid}\n",
                out var length);
            hash.AppendData(facts[..length]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
