using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Flags of open(2) that have one value on x86-64 and arm64, and two that have not.</summary>
[Flags]
internal enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 0x1,
    ReadWrite = 0x2,
    Create = 0x40,
    Exclusive = 0x80,
    Truncate = 0x200,
    NonBlock = 0x800,
    CloseOnExec = 0x80000,

    /// <summary>O_DIRECTORY of x86-64; <see cref="Posix"/> exchanges it for arm64's.</summary>
    Directory = 0x10000,

    /// <summary>O_NOFOLLOW of x86-64; <see cref="Posix"/> exchanges it for arm64's.</summary>
    NoFollow = 0x20000,

    /// <summary>The part of O_TMPFILE that is not O_DIRECTORY: a file without a name, so that nobody who watches the folder sees it.</summary>
    TemporaryFile = 0x400000,
}

internal static partial class Posix
{
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const int AtEffectiveAccess = 0x200;
    private const int WriteAndSearch = 2 | 1;
    private const uint RenameNoReplace = 1;
    private const uint RenameExchange = 2;
    private const long UtimeOmit = (1L << 30) - 2;

    /// <summary>Offset of d_name in struct dirent of 64-bit Linux: d_ino 8, d_off 8, d_reclen 2, d_type 1.</summary>
    private const int DirentNameOffset = 19;

    private const uint StatxBasicAndMount = 0x7ff | 0x1000;
    private const uint StatxBirth = 0x800;

    private static FileStat? Statx(int folder, byte[] path, int flags, out int errno)
    {
        StatxBuffer s = default;
        while (Native.statx(folder, path, flags, StatxBasicAndMount, ref s) < 0)
        {
            errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.EINTR)
            {
                return null;
            }
        }

        errno = 0;
        return new FileStat(
            (s.Mode & 0xF000) switch { 0x8000 => FileKind.File, 0x4000 => FileKind.Directory, 0xA000 => FileKind.Symlink, _ => FileKind.Other },
            s.Mode & 0xFFFu,
            s.Uid,
            s.Gid,
            (long)s.Size,
            s.Links,
            ((ulong)s.DeviceMajor << 32) | s.DeviceMinor,
            s.Inode,
            new UnixTime(s.ModifiedSeconds, s.ModifiedNanoseconds),
            new UnixTime(s.ChangedSeconds, s.ChangedNanoseconds),
            (s.Mask & 0x1000) != 0 ? s.MountId : 0);
    }

    /// <summary>struct statx of linux/stat.h: 256 bytes, the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatxBuffer
    {
        [FieldOffset(0)] public uint Mask;
        [FieldOffset(16)] public uint Links;
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(24)] public uint Gid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(80)] public long BornSeconds;
        [FieldOffset(88)] public uint BornNanoseconds;
        [FieldOffset(96)] public long ChangedSeconds;
        [FieldOffset(104)] public uint ChangedNanoseconds;
        [FieldOffset(112)] public long ModifiedSeconds;
        [FieldOffset(120)] public uint ModifiedNanoseconds;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
        [FieldOffset(144)] public ulong MountId;
    }

    internal static partial class Native
    {
        private const string Libc = "libc";

        [ModuleInitializer]
        internal static void ResolveLibcThroughTheProgram() =>
            // The program's own scope, not a second look-up of libc.so.6: a preloaded library (fault injection, jemalloc, fakeroot) must see these calls too.
            NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, static (name, _, _) => name == Libc ? NativeLibrary.GetMainProgramHandle() : 0);

        /// <summary>open(2), with the two flags whose value differs exchanged on arm64.</summary>
        internal static int open(byte[] path, int flags, uint mode)
        {
            if (RuntimeInformation.ProcessArchitecture == Architecture.Arm64)
            {
                const int X64Directory = 0x10000, X64NoFollow = 0x20000, Arm64Directory = 0x4000, Arm64NoFollow = 0x8000;
                var rest = flags & ~(X64Directory | X64NoFollow);
                flags = rest | ((flags & X64Directory) != 0 ? Arm64Directory : 0) | ((flags & X64NoFollow) != 0 ? Arm64NoFollow : 0);
            }

            // openat, which is not variadic in practice on either architecture's C ABI for three integer arguments.
            return openat(AtFdCwd, path, flags, mode);
        }

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int openat(int folder, byte[] path, int flags, uint mode);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int statx(int folder, byte[] path, int flags, uint mask, ref StatxBuffer buffer);

        /// <summary>The offset is 64 bits wide on every 64-bit Linux.</summary>
        [LibraryImport(Libc, SetLastError = true)]
        internal static partial nint pread(SafeFileHandle file, Span<byte> buffer, nint size, long offset);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial nint pwrite(SafeFileHandle file, ReadOnlySpan<byte> content, nint size, long offset);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial nint opendir(byte[] path);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial nint readdir(nint stream);

        [LibraryImport(Libc)]
        internal static partial int closedir(nint stream);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial nint readlink(byte[] path, [Out] byte[] buffer, nint size);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int mkdir(byte[] path, uint mode);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int symlink(byte[] target, byte[] path);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int linkat(int fromFolder, byte[] from, int toFolder, byte[] to, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int unlink(byte[] path);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int rmdir(byte[] path);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int renameat2(int fromFolder, byte[] from, int toFolder, byte[] to, uint flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int fchownat(int folder, byte[] path, uint uid, uint gid, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int chmod(byte[] path, uint mode);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int utimensat(int folder, byte[] path, ReadOnlySpan<long> times, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int faccessat(int folder, byte[] path, int mode, int flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int setpriority(int which, uint who, int priority);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int fsync(SafeFileHandle handle);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int sync_file_range(SafeFileHandle handle, long offset, long length, uint flags);

        [LibraryImport(Libc, SetLastError = true)]
        internal static partial int syncfs(SafeFileHandle handle);

        [LibraryImport(Libc)]
        internal static partial uint geteuid();

        [LibraryImport(Libc)]
        internal static partial uint getegid();
    }
}
