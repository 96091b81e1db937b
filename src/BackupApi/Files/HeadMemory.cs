using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace BackupApi.Files;

/// <summary>Remembers, while the process lives, the files whose heads were of interest to nobody, so that an unchanged one is not opened again at the next look. Thread-safe.</summary>
/// <remarks>By name and fingerprint, where that may be trusted (<see cref="FingerprintTrust"/>). 16 bytes for each file; a million files at most.</remarks>
internal sealed class HeadMemory(FingerprintTrust trust)
{
    private const int MostFiles = 1_000_000;

    /// <summary>Sorted, never changed once it is here.</summary>
    private volatile UInt128[] known = [];

    /// <summary>What stands for a file as it is now; null where an equal fingerprint later on would not mean equal content.</summary>
    public UInt128? KeyOf(StorageTree tree, TreeNode node) => trust.IsTrusted(node.Stat, tree.FullPath(node.Path)) ? Hash(node) : null;

    public bool Knows(UInt128 key) => Array.BinarySearch(known, key) >= 0;

    /// <summary>Forgets what was known, and remembers these instead.</summary>
    public void Replace(List<UInt128> keys)
    {
        var sorted = keys.Take(MostFiles).ToArray();
        Array.Sort(sorted);
        known = sorted;
    }

    /// <summary>Of a kind that nobody can aim at another file's: a name is its owner's choice.</summary>
    private static UInt128 Hash(TreeNode node)
    {
        var (device, inode, size, modified, changed) = node.Stat.Fingerprint;
        Span<byte> bytes = stackalloc byte[512];
        var path = Encoding.UTF8.GetByteCount(node.Path) is var length && length + 64 <= bytes.Length ? bytes[64..(64 + length)] : default;
        if (path.IsEmpty)
        {
            bytes = new byte[64 + length];
            path = bytes[64..];
        }

        Encoding.UTF8.GetBytes(node.Path, path);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, device);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], inode);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], size);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], modified.Seconds);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], modified.Nanoseconds);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], changed.Seconds);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], changed.Nanoseconds);
        bytes[56..64].Clear();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..(64 + length)], hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
