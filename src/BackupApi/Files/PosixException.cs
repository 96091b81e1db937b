using System.ComponentModel;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>A system call that failed, with its errno, what was being done and to which path.</summary>
internal sealed class PosixException : IOException
{
    public PosixException(string call, string path, int errno)
        : base($"{call} {Short(PathText.Show(path))}: {new Win32Exception(errno).Message}", errno)
    {
        Errno = errno;
        Path = path;
    }

    /// <summary>The errno of Linux; <see cref="Exception.HResult"/> holds the same.</summary>
    public int Errno { get; }

    public string Path { get; }

    /// <summary>For a sentence that a person reads: of a path of thousands of letters its beginning and its end.</summary>
    private static string Short(string path) => path.Length <= 500 ? path : $"{path[..200]}…{path[^200..]}";
}

/// <summary>The errno values this service acts on (asm-generic/errno-base.h and errno.h of Linux; the same on x86-64 and arm64).</summary>
internal static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int EAGAIN = 11;
    public const int EACCES = 13;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int EXDEV = 18;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int EFBIG = 27;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int ENOSYS = 38;
    public const int ENOTEMPTY = 39;
    public const int ELOOP = 40;
    public const int ENODATA = 61;
    public const int EOPNOTSUPP = 95;
    public const int ESTALE = 116;
    public const int EDQUOT = 122;

    /// <summary>The fault, and what to do about it, of an I/O failure; used where an operation ends because of it.</summary>
    public static BackupException ToFault(IOException failure)
    {
        var (fault, hint) = failure.HResult switch
        {
            ENOSPC or EDQUOT => (Fault.NoRoom, "Free some room on that disk, lower MAX_BACKUPS, or move the folder to a larger disk."),
            EACCES or EPERM => (Fault.PermissionDenied, "Give this service the right to read and write there, or run it as the owner of the files."),
            EROFS => (Fault.DiskError, "The file system is mounted read-only: remount it writable, and look into the kernel's log for the reason."),
            _ => (Fault.DiskError, "Check the disk and its mount; the kernel's log tells more."),
        };
        return new BackupException(fault, failure.Message, hint, failure);
    }
}
