using System.Runtime.InteropServices;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Whether somebody holds a lock, as far as the kernel tells.</summary>
internal enum LockState
{
    Free,
    Held,

    /// <summary>Not to be known here: no right to ask, or a file system whose locks another kernel may hold.</summary>
    Unknown,
}

/// <summary>Asks whether other processes lock a file or have it open for writing, without getting in their way.</summary>
/// <remarks>
/// Works across containers of one kernel, where process ids and /proc/locks tell nothing. Locks do not cross kernels, so on network, FUSE and shared
/// folders of a virtual machine <see cref="LockState.Free"/> is never answered.
/// The file is opened and closed again: closing drops every POSIX lock that this process itself holds on it (fcntl(2)), so never ask about a file
/// that a library in this process, such as SQLite, has locked.
/// </remarks>
internal static partial class LockProbe
{
    /// <summary>Would a write lock of fcntl(2) on that range be refused? Nothing is locked by asking.</summary>
    /// <param name="length">Bytes of the range; 0 means up to the end, however far the file grows.</param>
    /// <returns><see cref="LockState.Free"/> also when the file does not exist.</returns>
    public static LockState Range(string path, long start = 0, long length = 0) => Probe(path, file => Range(file, start, length));

    /// <summary>Does somebody hold an exclusive flock(2)? A shared one is taken for an instant, in which an exclusive one would be refused.</summary>
    public static LockState Flock(string path) => Probe(path, Flock);

    /// <summary>Has somebody the file open for writing? A read lease is asked for and given back at once.</summary>
    /// <remarks>Needs to be the file's owner or CAP_LEASE, and a local file system; otherwise <see cref="LockState.Unknown"/>. An owner that opens it in that instant waits for us, a few microseconds.</remarks>
    public static LockState OpenForWriting(string path) => Probe(path, OpenForWriting);

    private static LockState Probe(string path, Func<SafeFileHandle, LockState> ask)
    {
        try
        {
            using var file = Posix.OpenRead(path);
            if (Posix.Stat(file, path).Kind != FileKind.File)
            {
                return LockState.Unknown;
            }

            var state = ask(file);
            return state == LockState.Free && !IsLocal(file) ? LockState.Unknown : state;
        }
        catch (PosixException e)
        {
            return e.Errno == Errno.ENOENT ? LockState.Free : LockState.Unknown;
        }
    }

    private static LockState Range(SafeFileHandle file, long start, long length)
    {
        var range = new RangeLock { Type = Native.WriteLock, Start = start, Length = length };
        return Native.fcntl(file, Native.GetOpenFileLock, ref range) < 0 ? LockState.Unknown
            : range.Type == Native.Unlocked ? LockState.Free
            : LockState.Held;
    }

    private static LockState Flock(SafeFileHandle file)
    {
        if (Native.flock(file, Native.FlockShared | Native.FlockNoWait) < 0)
        {
            return Marshal.GetLastPInvokeError() == Errno.EAGAIN ? LockState.Held : LockState.Unknown;
        }

        _ = Native.flock(file, Native.FlockUnlock);
        return LockState.Free;
    }

    private static LockState OpenForWriting(SafeFileHandle file)
    {
        // Whoever opens the file meanwhile makes the kernel signal us: SIGURG is ignored by default, SIGIO would end the process.
        if (Native.fcntl(file, Native.SetSignal, Native.HarmlessSignal) < 0)
        {
            return LockState.Unknown;
        }

        if (Native.fcntl(file, Native.SetLease, Native.ReadLease) < 0)
        {
            return Marshal.GetLastPInvokeError() == Errno.EAGAIN ? LockState.Held : LockState.Unknown;
        }

        _ = Native.fcntl(file, Native.SetLease, Native.Unlocked);
        return LockState.Free;
    }

    private static bool IsLocal(SafeFileHandle file)
    {
        var facts = default(FileSystemFacts);
        return Native.fstatfs(file, ref facts) == 0 && (uint)facts.Type is 0xEF53 /* ext2 to 4 */ or 0x58465342 /* XFS */ or 0x9123683E /* btrfs */
            or 0x01021994 /* tmpfs */ or 0x794C7630 /* overlay */ or 0x2FC12FC1 /* ZFS */ or 0xF2F52010 /* F2FS */ or 0xCA451A4E /* bcachefs */;
    }

    /// <summary>struct flock of 64-bit Linux; the process id must be 0 for F_OFD_GETLK.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct RangeLock
    {
        [FieldOffset(0)] public short Type;
        [FieldOffset(2)] public short Whence;
        [FieldOffset(8)] public long Start;
        [FieldOffset(16)] public long Length;
        [FieldOffset(24)] public int ProcessId;
    }

    /// <summary>struct statfs of 64-bit Linux: 120 bytes, the type first.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    private struct FileSystemFacts
    {
        [FieldOffset(0)] public long Type;
    }

    private static partial class Native
    {
        internal const int SetSignal = 10, GetOpenFileLock = 36, SetLease = 1024;
        internal const int HarmlessSignal = 23;
        internal const short ReadLease = 0, WriteLock = 1, Unlocked = 2;
        internal const int FlockShared = 1, FlockNoWait = 4, FlockUnlock = 8;

        // fcntl is variadic; on x86-64 and on arm64 Linux one more integer or pointer is passed as to any other function.
        [LibraryImport("libc", SetLastError = true)]
        internal static partial int fcntl(SafeFileHandle file, int command, nint argument);

        [LibraryImport("libc", SetLastError = true)]
        internal static partial int fcntl(SafeFileHandle file, int command, ref RangeLock argument);

        [LibraryImport("libc", SetLastError = true)]
        internal static partial int flock(SafeFileHandle file, int operation);

        [LibraryImport("libc", SetLastError = true)]
        internal static partial int fstatfs(SafeFileHandle file, ref FileSystemFacts facts);
    }
}
