using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <content>What the kernel may follow or not: nothing depends on it, so no answer is looked at.</content>
internal static partial class Posix
{
    /// <summary>Sets the calling thread, and no other, back behind all of usual priority (setpriority(2): on Linux a thread's own, nice 10). It cannot be taken back without privilege, so only for threads that end.</summary>
    public static void YieldToOthers() => _ = Native.setpriority(0, 0, 10);

    /// <summary>Asks the kernel to begin writing a range to the disk, and does not wait (sync_file_range(2), SYNC_FILE_RANGE_WRITE). A hint: nothing is durable by it, and no answer is needed.</summary>
    public static void BeginWriting(SafeFileHandle handle, long offset, long length) => _ = Native.sync_file_range(handle, offset, length, 2);
}
