using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Paths beyond PATH_MAX: a system call takes no longer ones, but folders may lie deeper.</summary>
/// <remarks>The folders on the way are opened piece by piece; what is left is named from the last of them, as <c>/proc/self/fd/N/rest</c>.</remarks>
internal static partial class DeepPath
{
    /// <summary>PATH_MAX of Linux, the NUL included.</summary>
    public const int MaxBytes = 4096;

    private const int PathOnly = 0x200000;
    private const int CloseOnExec = 0x80000;

    /// <summary>A call names two paths at most; what it names must stay open until it has returned, and is closed by the calls after it.</summary>
    private const int Kept = 4;

    [ThreadStatic]
    private static SafeFileHandle?[]? ways;

    [ThreadStatic]
    private static int next;

    /// <param name="path">NUL-terminated.</param>
    /// <returns>The same where it is short enough or relative; else a short one to the same place, valid on this thread until a few calls later.</returns>
    public static byte[] Reach(byte[] path) => path.Length <= MaxBytes || path[0] != '/' ? path : Shorten(path);

    private static byte[] Shorten(byte[] path)
    {
        SafeFileHandle? at = null;
        var start = 0;
        while (path.Length - start > MaxBytes / 2)
        {
            var end = start + path.AsSpan(start, MaxBytes / 2).LastIndexOf((byte)'/');
            if (end <= start)
            {
                // No name is that long: the call itself says so.
                at?.Dispose();
                return path;
            }

            byte[] piece = [.. path[start..end], 0];
            var fd = openat(at is null ? Posix.AtFdCwd : (int)at.DangerousGetHandle(), piece, PathOnly | CloseOnExec, 0);
            var errno = Marshal.GetLastPInvokeError();
            at?.Dispose();
            if (fd < 0)
            {
                return errno is Errno.ENOENT or Errno.ENOTDIR ? "/proc/self/fd/-1/none\0"u8.ToArray() : throw new PosixException("open", PathText.Decode(path.AsSpan(0, end)), errno);
            }

            at = new SafeFileHandle(fd, ownsHandle: true);
            start = end + 1;
        }

        ways ??= new SafeFileHandle?[Kept];
        next = (next + 1) % Kept;
        ways[next]?.Dispose();
        ways[next] = at;
        return [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{at!.DangerousGetHandle()}/"), .. path[start..]];
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int openat(int folder, byte[] path, int flags, uint mode);
}
