using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Holds a folder for this process: a second service over it is refused. The kernel lets go when the process ends, however it ends.</summary>
/// <remarks>flock(2) on the folder itself: nothing is created, so it works on a read-only mount, and no application locks the folder its files lie in.</remarks>
internal sealed partial class FolderLock : IDisposable
{
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;

    private readonly SafeFileHandle folder;

    private FolderLock(SafeFileHandle folder) => this.folder = folder;

    /// <summary>Null when another process holds it. A file system that cannot lock folders counts as taken by us.</summary>
    public static FolderLock? TryTake(string path)
    {
        var handle = Posix.OpenFolder(path);
        if (flock(handle, LockExclusive | LockNonBlocking) < 0 && Marshal.GetLastPInvokeError() == Errno.EAGAIN)
        {
            handle.Dispose();
            return null;
        }

        return new FolderLock(handle);
    }

    public void Dispose() => folder.Dispose();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle handle, int operation);
}
