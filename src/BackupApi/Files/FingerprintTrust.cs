using System.Collections.Concurrent;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Whether equal fingerprints will mean equal content later on. Thread-safe.</summary>
/// <remarks>
/// Only on local disk file systems: elsewhere times and inodes come from another machine's clock and cache. And only where the last change lay over a minute back when the fingerprint was taken:
/// a page mapped for writing can change again without a new time until the kernel has written it back (vm.dirty_expire_centisecs, 30 s by default).
/// </remarks>
internal sealed class FingerprintTrust(TimeProvider clock)
{
    private static readonly TimeSpan SettlingTime = TimeSpan.FromSeconds(60);

    /// <summary>f_type of statfs(2): ext2/3/4, XFS, btrfs, F2FS, ZFS, bcachefs. Not tmpfs, overlayfs, NFS, SMB, FUSE, 9p.</summary>
    private static readonly long[] LocalDisks = [0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0xCA451A4E];

    private readonly ConcurrentDictionary<ulong, bool> isLocal = new();

    /// <summary>Asks for facts taken just now, before the first byte of the content was read.</summary>
    /// <param name="path">Of the file, or of anything else on its file system.</param>
    public bool IsTrusted(in FileStat stat, string path)
    {
        // A change in the future is younger than the limit, too.
        if (stat.Changed.ToDateTimeOffset() > clock.GetUtcNow() - SettlingTime)
        {
            return false;
        }

        return isLocal.GetOrAdd(stat.Device, static (_, path) => IsOnLocalDisk(path), path);
    }

    /// <summary>Whether a change of that file shows in its facts at once: on the disks of this machine.</summary>
    public static bool IsOnLocalDisk(string path) => Posix.FindFileSystemType(path) is { } type && LocalDisks.Contains(type);
}
