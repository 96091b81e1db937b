using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Why a lease was or was not given.</summary>
internal enum LeaseAnswer
{
    Granted,

    /// <summary>Somebody has the file open for writing (EAGAIN).</summary>
    OpenForWriting,

    /// <summary>Not here: the file is another user's and CAP_LEASE is missing, or the file system has no leases or is not local.</summary>
    NotPossible,
}

/// <summary>A read lease (fcntl(2), F_SETLEASE with F_RDLCK): while it is held, nobody has the file open for writing, and whoever opens it for writing waits in the kernel until it is released.</summary>
/// <remarks>
/// The kernel breaks a lease by force after /proc/sys/fs/lease-break-time seconds: release long before. An opener that asks not to block (O_NONBLOCK) gets EWOULDBLOCK instead of waiting.
/// The kernel's notice of a waiting opener is SIGIO, which would end this process; it is exchanged for SIGURG, which is ignored by default, so that no handler is needed.
/// </remarks>
internal sealed partial class FileLease : IDisposable
{
    private const int SetSignal = 10;
    private const int SetLease = 1024;
    private const int GetLease = 1025;
    private const nint ReadLease = 0;
    private const nint NoLease = 2;
    private const nint SigUrg = 23;

    private readonly SafeFileHandle file;
    private readonly TimeProvider clock;
    private readonly long since;
    private bool isReleased;

    private FileLease(SafeFileHandle file, TimeProvider clock)
    {
        this.file = file;
        this.clock = clock;
        since = clock.GetTimestamp();
    }

    /// <summary>How long it has been held so far; after its release, how long it was.</summary>
    public TimeSpan Held => isReleased ? heldFor : clock.GetElapsedTime(since);

    private TimeSpan heldFor;

    /// <summary>Whether an opener was waiting when the lease was released (or is now).</summary>
    public bool HasWaiter => isReleased ? hadWaiter : fcntl(file, GetLease, 0) != ReadLease;

    private bool hadWaiter;

    /// <summary>The longest a lease may last before the kernel ends it; zero when the kernel does not say.</summary>
    public static TimeSpan KernelBound()
    {
        try
        {
            return TimeSpan.FromSeconds(int.Parse(File.ReadAllText("/proc/sys/fs/lease-break-time"), CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return TimeSpan.Zero;
        }
    }

    /// <summary>Asks for a lease on a file that is open for reading only; never waits.</summary>
    public static LeaseAnswer TryTake(SafeFileHandle file, TimeProvider clock, out FileLease? lease)
    {
        lease = null;
        if (!IsLocal(file) || fcntl(file, SetSignal, SigUrg) < 0)
        {
            return LeaseAnswer.NotPossible;
        }

        // Counted from before the call: what is measured is never shorter than what an owner waited.
        var taken = new FileLease(file, clock);
        if (fcntl(file, SetLease, ReadLease) == 0)
        {
            lease = taken;
            return LeaseAnswer.Granted;
        }

        return Marshal.GetLastPInvokeError() == Errno.EAGAIN ? LeaseAnswer.OpenForWriting : LeaseAnswer.NotPossible;
    }

    /// <summary>Lets waiting openers go on. The file stays open.</summary>
    public void Dispose()
    {
        if (isReleased)
        {
            return;
        }

        hadWaiter = HasWaiter;
        _ = fcntl(file, SetLease, NoLease);
        heldFor = clock.GetElapsedTime(since);
        isReleased = true;
    }

    /// <summary>Whether a change after a look at a file's times always gives it other ones: multigrain timestamps, Linux 6.13 and later on the file systems that have them.</summary>
    public static bool StampsEveryChange(SafeFileHandle file) =>
        Environment.OSVersion.Version >= new Version(6, 13)
        && KindOf(file) is 0xEF53 /* ext4 */ or 0x58465342 /* XFS */ or 0x9123683E /* btrfs */ or 0x01021994 /* tmpfs */;

    /// <summary>Only file systems whose every writer goes through this kernel: elsewhere a lease would promise what it cannot keep.</summary>
    private static bool IsLocal(SafeFileHandle file) => KindOf(file) is
        0xEF53 /* ext2, ext3, ext4 */ or 0x58465342 /* XFS */ or 0x9123683E /* btrfs */ or 0xF2F52010 /* F2FS */
        or 0x2FC12FC1 /* ZFS */ or 0xCA451A4E /* bcachefs */ or 0x01021994 /* tmpfs */ or 0x3153464A /* JFS */;

    /// <summary>The f_type of statfs(2), its first field; 0 when it is not told.</summary>
    private static uint KindOf(SafeFileHandle file)
    {
        Span<byte> facts = stackalloc byte[256];
        return fstatfs(file, facts) == 0 ? BinaryPrimitives.ReadUInt32LittleEndian(facts) : 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle file, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fstatfs(SafeFileHandle file, Span<byte> facts);
}
