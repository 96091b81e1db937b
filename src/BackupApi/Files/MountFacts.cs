using System.Runtime.InteropServices;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Room and kind of the file system a path lies on, by statfs(2).</summary>
/// <param name="FreeBytes">Room an unprivileged process may still fill.</param>
/// <param name="Kind">Name of the file system: <c>ext4</c>, <c>xfs</c>, <c>nfs</c>…; the magic in hexadecimal where it is not known here.</param>
internal sealed partial record MountFacts(long FreeBytes, long TotalBytes, string Kind)
{
    /// <summary>Kinds on which inode, ctime and locks mean what they mean on a local disk.</summary>
    private static readonly HashSet<string> LocalDisks = new(StringComparer.Ordinal) { "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "overlay" };

    /// <summary>Magic numbers of statfs(2) and linux/magic.h.</summary>
    private static readonly Dictionary<long, string> Magics = new()
    {
        [0xEF53] = "ext4",
        [0x58465342] = "xfs",
        [0x9123683E] = "btrfs",
        [0x2FC12FC1] = "zfs",
        [0xF2F52010] = "f2fs",
        [0xCA451A4E] = "bcachefs",
        [0x01021994] = "tmpfs",
        [0x794C7630] = "overlay",
        [0x6969] = "nfs",
        [0xFF534D42] = "cifs",
        [0xFE534D42] = "smb2",
        [0x65735546] = "fuse",
        [0x01021997] = "9p",
        [0x6A656A63] = "virtiofs",
    };

    /// <summary>A local disk file system: fingerprints can be trusted there, and locks are seen by everybody.</summary>
    public bool IsLocalDisk => LocalDisks.Contains(Kind);

    /// <summary>Locks of other kernels do not arrive here.</summary>
    public bool IsNetwork => Kind is "nfs" or "cifs" or "smb2" or "fuse" or "9p" or "virtiofs";

    public static MountFacts Of(string path)
    {
        StatfsBuffer buffer = default;
        if (statfs(PathText.ForSystemCall(path), ref buffer) < 0)
        {
            throw new PosixException("statfs", path, Marshal.GetLastPInvokeError());
        }

        var kind = Magics.GetValueOrDefault(buffer.Type & 0xFFFFFFFF) ?? $"0x{buffer.Type:x}";
        return new MountFacts((long)(buffer.Available * (ulong)buffer.BlockSize), (long)(buffer.Blocks * (ulong)buffer.BlockSize), kind);
    }

    /// <summary>Whether all of these files and folders lie on local disks: a mount of another kind may lie anywhere inside a tree. False where that cannot be told any more.</summary>
    public static bool AreOnLocalDisks(StorageTree tree, IEnumerable<TreeNode> nodes)
    {
        var known = new HashSet<ulong>();
        try
        {
            foreach (var node in nodes)
            {
                if (node.Stat.Kind is FileKind.File or FileKind.Directory && known.Add(node.Stat.Device) && !Of(tree.FullPath(node.Path)).IsLocalDisk)
                {
                    return false;
                }
            }

            return true;
        }
        catch (PosixException)
        {
            return false;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statfs(byte[] path, ref StatfsBuffer buffer);

    /// <summary>struct statfs of 64-bit Linux (asm-generic/statfs.h): 120 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    private struct StatfsBuffer
    {
        [FieldOffset(0)] public long Type;
        [FieldOffset(8)] public long BlockSize;
        [FieldOffset(16)] public ulong Blocks;
        [FieldOffset(32)] public ulong Available;
    }
}
