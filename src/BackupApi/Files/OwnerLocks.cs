using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>The kernel's answers about leases and locks of one open file; see fcntl(2) and flock(2).</summary>
internal static partial class OwnerLocks
{
    private const int SetSignal = 10;
    private const int SetLease = 1024;
    private const int GetOpenFileLock = 36;
    private const int ReadLock = 0;
    private const short WriteLock = 1;
    private const short Unlocked = 2;
    private const int FlockExclusive = 2;
    private const int FlockNonBlocking = 4;
    private const int FlockUnlock = 8;

    /// <summary>SIGURG: ignored by default. A lease that is broken sends SIGIO else, which ends a process by default.</summary>
    private const int HarmlessSignal = 23;

    /// <summary>Tries a read lease and gives it back at once. 0: nobody has the file open for writing; else the errno.</summary>
    public static int TryLease(SafeFileHandle file)
    {
        if (fcntl(file, SetSignal, HarmlessSignal) < 0 || fcntl(file, SetLease, ReadLock) < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        _ = fcntl(file, SetLease, Unlocked);
        return 0;
    }

    /// <summary>Whether anybody else, also in another container of this kernel, holds a POSIX or open-file lock on any byte. Takes nothing.</summary>
    public static bool SomebodyHoldsARecordLock(SafeFileHandle file)
    {
        var wanted = new RecordLock { Type = WriteLock };
        return fcntlLock(file, GetOpenFileLock, ref wanted) == 0 && wanted.Type != Unlocked;
    }

    /// <summary>Whether anybody holds a flock(2), by trying an exclusive one for a moment.</summary>
    public static bool SomebodyHoldsAFlock(SafeFileHandle file)
    {
        if (flock(file, FlockExclusive | FlockNonBlocking) < 0)
        {
            return Marshal.GetLastPInvokeError() == Errno.EAGAIN;
        }

        _ = flock(file, FlockUnlock);
        return false;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle file, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int fcntlLock(SafeFileHandle file, int command, ref RecordLock argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);

    /// <summary>struct flock of 64-bit Linux. Start 0 and length 0: the whole file. The process id must be 0 for open-file locks.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct RecordLock
    {
        [FieldOffset(0)] public short Type;
        [FieldOffset(2)] public short Whence;
        [FieldOffset(8)] public long Start;
        [FieldOffset(16)] public long Length;
        [FieldOffset(24)] public int ProcessId;
    }
}
