using System.Runtime.InteropServices;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>The system calls .NET has no door to, or whose door does more than it says. Linux only.</summary>
/// <remarks>
/// Paths go through <see cref="PathText"/>, so every name of the file system can be used. Calls interrupted by a signal are made again.
/// No call here takes a lock that .NET's FileStream would take (flock): an owner that starts while we read must not fail.
/// </remarks>
internal static partial class Posix
{
    public const int AtFdCwd = -100;

    /// <summary>Opens for reading; never follows a symlink in the last component, never blocks on a pipe, takes no lock.</summary>
    public static SafeFileHandle OpenRead(string path) =>
        Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock);

    /// <summary>Creates a file that must not exist yet, for reading and writing.</summary>
    public static SafeFileHandle CreateNew(string path, uint mode = 0x180 /* 0600 */) =>
        Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, mode);

    public static SafeFileHandle OpenFolder(string path) => Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);

    public static SafeFileHandle Open(string path, OpenFlags flags, uint mode = 0)
    {
        var bytes = PathText.ForSystemCall(path);
        while (true)
        {
            var fd = Native.open(bytes, (int)(flags | OpenFlags.CloseOnExec), mode);
            if (fd >= 0)
            {
                return new SafeFileHandle(fd, ownsHandle: true);
            }

            ThrowUnlessInterrupted("open", path);
        }
    }

    /// <summary>Facts of a name; a symlink is not followed.</summary>
    public static FileStat Stat(string path) =>
        TryStat(path, out var errno) ?? throw new PosixException("stat", path, errno);

    /// <summary>Facts of a name, or null when it does not exist (ENOENT or ENOTDIR).</summary>
    public static FileStat? FindStat(string path) =>
        TryStat(path, out var errno) ?? (errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw new PosixException("stat", path, errno));

    /// <summary>Facts of what a path leads to, symlinks followed; null when it does not exist.</summary>
    public static FileStat? FindTargetStat(string path) =>
        Statx(AtFdCwd, PathText.ForSystemCall(path), 0, out var errno)
        ?? (errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw new PosixException("stat", path, errno));

    /// <summary>When the folder a path leads to was made; null where the file system does not say. Of the root of a file system: when that was made.</summary>
    public static UnixTime? FindBirth(string path)
    {
        StatxBuffer buffer = default;
        return Native.statx(AtFdCwd, PathText.ForSystemCall(path), 0, StatxBirth, ref buffer) == 0 && (buffer.Mask & StatxBirth) != 0
            ? new UnixTime(buffer.BornSeconds, buffer.BornNanoseconds) : null;
    }

    /// <summary>Facts of an open file.</summary>
    public static FileStat Stat(SafeFileHandle handle, string path) =>
        Statx((int)handle.DangerousGetHandle(), [0], AtEmptyPath, out var errno) ?? throw new PosixException("stat", path, errno);

    /// <summary>Names in a folder, without <c>.</c> and <c>..</c>, in the order of their bytes.</summary>
    public static List<string> ListNames(string folder)
    {
        var stream = Native.opendir(PathText.ForSystemCall(folder));
        if (stream == 0)
        {
            throw new PosixException("list", folder, Marshal.GetLastPInvokeError());
        }

        try
        {
            var names = new List<string>();
            while (true)
            {
                Marshal.SetLastSystemError(0);
                var entry = Native.readdir(stream);
                if (entry == 0)
                {
                    var errno = Marshal.GetLastPInvokeError();
                    return errno == 0 ? Sorted(names) : throw new PosixException("list", folder, errno);
                }

                unsafe
                {
                    var name = PathText.Decode(MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + DirentNameOffset));
                    if (name is not ("." or ".."))
                    {
                        names.Add(name);
                    }
                }
            }
        }
        finally
        {
            _ = Native.closedir(stream);
        }
    }

    /// <summary>The stored target of a symlink, not resolved.</summary>
    public static string ReadLink(string path)
    {
        var buffer = new byte[4096];
        var length = Native.readlink(PathText.ForSystemCall(path), buffer, buffer.Length);
        return length < 0 ? throw new PosixException("readlink", path, Marshal.GetLastPInvokeError()) : PathText.Decode(buffer.AsSpan(0, (int)length));
    }

    public static void MakeFolder(string path, uint mode = 0x1C0 /* 0700 */) => Check(Native.mkdir(PathText.ForSystemCall(path), mode), "mkdir", path);

    public static void MakeSymlink(string target, string path) => Check(Native.symlink(PathText.ForSystemCall(target), PathText.ForSystemCall(path)), "symlink", path);

    /// <summary>Makes <paramref name="path"/> a second name of <paramref name="existing"/>; a symlink is linked itself, not its target.</summary>
    public static void MakeHardLink(string existing, string path) =>
        Check(Native.linkat(AtFdCwd, PathText.ForSystemCall(existing), AtFdCwd, PathText.ForSystemCall(path), 0), "link", path);

    public static void Unlink(string path) => Check(Native.unlink(PathText.ForSystemCall(path)), "unlink", path);

    /// <summary>Removes anything but a folder; false, and nothing removed, for a folder. A name that is gone counts as removed.</summary>
    public static bool TryUnlinkFile(string path)
    {
        if (Native.unlink(PathText.ForSystemCall(path)) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() switch
        {
            Errno.ENOENT => true,
            Errno.EISDIR => false,
            var errno => throw new PosixException("unlink", path, errno),
        };
    }

    public static void RemoveFolder(string path) => Check(Native.rmdir(PathText.ForSystemCall(path)), "rmdir", path);

    /// <summary>Renames within one mount; fails with EXDEV across mounts (File.Move would copy and delete instead).</summary>
    public static void Rename(string from, string to) =>
        Check(Native.renameat2(AtFdCwd, PathText.ForSystemCall(from), AtFdCwd, PathText.ForSystemCall(to), 0), "rename", from);

    /// <summary>Renames, failing with EEXIST when <paramref name="to"/> exists.</summary>
    public static void RenameNew(string from, string to) =>
        Check(Native.renameat2(AtFdCwd, PathText.ForSystemCall(from), AtFdCwd, PathText.ForSystemCall(to), RenameNoReplace), "rename", from);

    /// <summary>Exchanges two existing names in one step. EINVAL or ENOSYS: the file system cannot.</summary>
    public static void Exchange(string one, string other) =>
        Check(Native.renameat2(AtFdCwd, PathText.ForSystemCall(one), AtFdCwd, PathText.ForSystemCall(other), RenameExchange), "exchange", one);

    /// <summary>Sets the owner of a name; a symlink itself, not its target. Clears setuid and setgid: set the mode afterwards.</summary>
    public static void SetOwner(string path, uint uid, uint gid) =>
        Check(Native.fchownat(AtFdCwd, PathText.ForSystemCall(path), uid, gid, AtSymlinkNoFollow), "chown", path);

    /// <summary>Sets the permission bits. Must not be called on a symlink: it would follow it.</summary>
    public static void SetMode(string path, uint mode) => Check(Native.chmod(PathText.ForSystemCall(path), mode), "chmod", path);

    /// <summary>Sets the modification time; the access time stays. A symlink itself, not its target.</summary>
    public static void SetModified(string path, UnixTime modified)
    {
        ReadOnlySpan<long> times = [0, UtimeOmit, modified.Seconds, modified.Nanoseconds];
        Check(Native.utimensat(AtFdCwd, PathText.ForSystemCall(path), times, AtSymlinkNoFollow), "utimens", path);
    }

    /// <summary>Bytes from an offset: one pread(2) and nothing else, where RandomAccess looks at kind and position of every handle first. 0 at the end.</summary>
    public static int Read(SafeFileHandle handle, string path, Span<byte> buffer, long offset)
    {
        while (true)
        {
            var read = Native.pread(handle, buffer, buffer.Length, offset);
            if (read >= 0)
            {
                return (int)read;
            }

            ThrowUnlessInterrupted("read", path);
        }
    }

    /// <summary>Writes all of <paramref name="content"/> at an offset.</summary>
    public static void Write(SafeFileHandle handle, string path, ReadOnlySpan<byte> content, long offset)
    {
        while (!content.IsEmpty)
        {
            var written = Native.pwrite(handle, content, content.Length, offset);
            if (written < 0)
            {
                ThrowUnlessInterrupted("write", path);
                continue;
            }

            content = content[(int)written..];
            offset += written;
        }
    }

    /// <summary>Flushes a file's content and metadata to the disk. Never call it again after it failed: the kernel may have dropped the pages.</summary>
    public static void Flush(SafeFileHandle handle, string path) => Check(Native.fsync(handle), "fsync", path);

    /// <summary>Flushes a folder, so that the names created, renamed and removed in it survive a power cut.</summary>
    public static void FlushFolder(string path)
    {
        using var folder = OpenFolder(path);
        Check(Native.fsync(folder), "fsync", path);
    }

    /// <summary>Flushes everything of the file system that <paramref name="path"/> lies on; reports write errors since Linux 5.8.</summary>
    public static void FlushFileSystem(string path)
    {
        using var folder = OpenFolder(path);
        Check(Native.syncfs(folder), "syncfs", path);
    }

    /// <summary>Whether this process may create names in a folder, as access(2) sees it for the effective user; false on a read-only mount.</summary>
    public static bool IsWritable(string folder) => Native.faccessat(AtFdCwd, PathText.ForSystemCall(folder), WriteAndSearch, AtEffectiveAccess) == 0;

    public static uint EffectiveUserId => Native.geteuid();

    public static uint EffectiveGroupId => Native.getegid();

    private static List<string> Sorted(List<string> names)
    {
        names.Sort(PathText.CompareBytes);
        return names;
    }

    private static FileStat? TryStat(string path, out int errno) =>
        Statx(AtFdCwd, PathText.ForSystemCall(path), AtSymlinkNoFollow, out errno);

    private static void Check(int result, string call, string path)
    {
        if (result < 0)
        {
            throw new PosixException(call, path, Marshal.GetLastPInvokeError());
        }
    }

    private static void ThrowUnlessInterrupted(string call, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.EINTR)
        {
            throw new PosixException(call, path, errno);
        }
    }
}
