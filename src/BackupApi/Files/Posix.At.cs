using System.Runtime.InteropServices;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Calls relative to an open folder: no path is walked twice, so nothing can be put in between.</summary>
internal static partial class Posix
{
    /// <summary>Opens one name in a folder; never follows a symlink.</summary>
    public static SafeFileHandle OpenAt(SafeFileHandle folder, string name, OpenFlags flags, uint mode = 0)
    {
        var bytes = PathText.ForSystemCall(name);
        while (true)
        {
            var fd = Native.openat((int)folder.DangerousGetHandle(), bytes, ForThisMachine(flags | OpenFlags.NoFollow | OpenFlags.CloseOnExec), mode);
            if (fd >= 0)
            {
                return new SafeFileHandle(fd, ownsHandle: true);
            }

            ThrowUnlessInterrupted("open", name);
        }
    }

    /// <summary>Facts of one name in a folder, or null when it does not exist; a symlink is not followed.</summary>
    public static FileStat? FindStatAt(SafeFileHandle folder, string name) =>
        Statx((int)folder.DangerousGetHandle(), PathText.ForSystemCall(name), AtSymlinkNoFollow, out var errno)
        ?? (errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw new PosixException("stat", name, errno));

    public static void MakeFolderAt(SafeFileHandle folder, string name, uint mode) =>
        Check(AtNative.mkdirat(folder, PathText.ForSystemCall(name), mode), "mkdir", name);

    public static void MakeSymlinkAt(string target, SafeFileHandle folder, string name) =>
        Check(AtNative.symlinkat(PathText.ForSystemCall(target), folder, PathText.ForSystemCall(name)), "symlink", name);

    public static void MakeHardLinkAt(SafeFileHandle fromFolder, string from, SafeFileHandle toFolder, string to) =>
        Check(AtNative.linkat(fromFolder, PathText.ForSystemCall(from), toFolder, PathText.ForSystemCall(to), 0), "link", to);

    /// <summary>Owner of a name, of a symlink itself. Clears setuid and setgid: set the mode afterwards.</summary>
    public static void SetOwnerAt(SafeFileHandle folder, string name, uint uid, uint gid) =>
        Check(AtNative.fchownat(folder, PathText.ForSystemCall(name), uid, gid, AtSymlinkNoFollow), "chown", name);

    /// <summary>Modification time of a name, of a symlink itself; the access time stays.</summary>
    public static void SetModifiedAt(SafeFileHandle folder, string name, UnixTime modified)
    {
        ReadOnlySpan<long> times = [0, UtimeOmit, modified.Seconds, modified.Nanoseconds];
        Check(AtNative.utimensat(folder, PathText.ForSystemCall(name), times, AtSymlinkNoFollow), "utimens", name);
    }

    /// <summary>Owner of an open file or folder. Clears setuid and setgid: set the mode afterwards.</summary>
    public static void SetOwner(SafeFileHandle handle, string path, uint uid, uint gid) => Check(AtNative.fchown(handle, uid, gid), "chown", path);

    public static void SetMode(SafeFileHandle handle, string path, uint mode) => Check(AtNative.fchmod(handle, mode), "chmod", path);

    /// <summary>Modification time of an open file or folder, to be set after everything else; the access time stays.</summary>
    public static void SetModified(SafeFileHandle handle, string path, UnixTime modified)
    {
        ReadOnlySpan<long> times = [0, UtimeOmit, modified.Seconds, modified.Nanoseconds];
        Check(AtNative.futimens(handle, times), "utimens", path);
    }

    /// <summary>f_type of statfs(2): what kind of file system a path lies on; null when it cannot be asked.</summary>
    public static long? FindFileSystemType(string path)
    {
        // struct statfs of 64-bit Linux: 120 bytes, f_type first.
        Span<long> buffer = stackalloc long[32];
        return AtNative.statfs(PathText.ForSystemCall(path), buffer) == 0 ? buffer[0] : null;
    }

    private static int ForThisMachine(OpenFlags flags)
    {
        const int Arm64Directory = 0x4000, Arm64NoFollow = 0x8000;
        return RuntimeInformation.ProcessArchitecture != Architecture.Arm64
            ? (int)flags
            : (int)(flags & ~(OpenFlags.Directory | OpenFlags.NoFollow))
                | (flags.HasFlag(OpenFlags.Directory) ? Arm64Directory : 0)
                | (flags.HasFlag(OpenFlags.NoFollow) ? Arm64NoFollow : 0);
    }

    private static partial class AtNative
    {
        private const string Libc = "libc";

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int mkdirat(SafeFileHandle folder, byte[] name, uint mode);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int symlinkat(byte[] target, SafeFileHandle folder, byte[] name);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int linkat(SafeFileHandle fromFolder, byte[] from, SafeFileHandle toFolder, byte[] to, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int fchownat(SafeFileHandle folder, byte[] name, uint uid, uint gid, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int utimensat(SafeFileHandle folder, byte[] name, ReadOnlySpan<long> times, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int fchown(SafeFileHandle file, uint uid, uint gid);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int fchmod(SafeFileHandle file, uint mode);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int statfs(byte[] path, Span<long> buffer);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int futimens(SafeFileHandle file, ReadOnlySpan<long> times);
    }
}
