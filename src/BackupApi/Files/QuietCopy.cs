using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Copies what an open handle leads to into a new file of ours: by reflink where the file system can, else inside the kernel, else by reading.</summary>
/// <remarks>Works for a file that was unlinked meanwhile. Takes no lock on the source and changes nothing of it.</remarks>
internal static partial class QuietCopy
{
    private const int BufferBytes = 1 << 20;
    private const int KernelCopyBytes = 16 << 20;

    /// <summary>Copies the first <paramref name="length"/> bytes into <paramref name="to"/>, which must not exist yet.</summary>
    /// <returns>How many bytes were copied: fewer than asked when the source ends before.</returns>
    public static long Copy(SafeFileHandle from, long length, string to, CancellationToken ct)
    {
        using var target = Posix.CreateNew(to);
        if (Native.ioctl(target, Native.CloneWholeFile, (int)from.DangerousGetHandle()) == 0)
        {
            var cloned = RandomAccess.GetLength(target);
            if (cloned > length)
            {
                RandomAccess.SetLength(target, length);
            }

            return Math.Min(cloned, length);
        }

        var done = CopyInKernel(from, target, length, to, ct);
        return done < length ? CopyByReading(from, target, done, length, ct) : done;
    }

    /// <summary>Fills <paramref name="bytes"/> from <paramref name="offset"/> on; gives the count, which is less only at the end of the file.</summary>
    public static int ReadFully(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        var done = 0;
        while (done < bytes.Length)
        {
            var read = RandomAccess.Read(file, bytes[done..], offset + done);
            if (read == 0)
            {
                break;
            }

            done += read;
        }

        return done;
    }

    private static long CopyInKernel(SafeFileHandle from, SafeFileHandle target, long length, string to, CancellationToken ct)
    {
        long source = 0, done = 0;
        while (done < length)
        {
            ct.ThrowIfCancellationRequested();
            var copied = Native.copy_file_range(from, ref source, target, ref done, (nint)Math.Min(KernelCopyBytes, length - done), 0);
            if (copied == 0)
            {
                break;
            }

            var errno = copied < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (errno is Errno.ENOSPC or Errno.EDQUOT or Errno.EIO)
            {
                throw new PosixException("copy_file_range", to, errno);
            }

            if (errno is not (0 or Errno.EINTR))
            {
                // EXDEV, EINVAL, ENOSYS, EOPNOTSUPP and their like: these two file systems cannot; reading can.
                break;
            }
        }

        return done;
    }

    private static long CopyByReading(SafeFileHandle from, SafeFileHandle target, long done, long length, CancellationToken ct)
    {
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(BufferBytes, length - done));
        while (done < length)
        {
            ct.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(from, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), done);
            if (read == 0)
            {
                break;
            }

            RandomAccess.Write(target, buffer.AsSpan(0, read), done);
            done += read;
        }

        return done;
    }

    private static partial class Native
    {
        /// <summary>FICLONE of linux/fs.h: _IOW(0x94, 9, int).</summary>
        internal const nuint CloneWholeFile = 0x40049409;

        [LibraryImport("libc", SetLastError = true)]
        internal static partial int ioctl(SafeFileHandle file, nuint request, nint argument);

        [LibraryImport("libc", SetLastError = true)]
        internal static partial nint copy_file_range(SafeFileHandle from, ref long fromOffset, SafeFileHandle to, ref long toOffset, nint length, uint flags);
    }
}
