using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Finds out by doing it whether this process can use a folder: rights, mounts and network file systems lie when they are only asked.</summary>
internal static class FolderProbe
{
    private static readonly byte[] Content = [(byte)'p', (byte)'r', (byte)'o', (byte)'b', (byte)'e'];

    /// <summary>Null when the names in the folder can be listed.</summary>
    public static PosixException? TryRead(string folder)
    {
        try
        {
            Posix.ListNames(folder);
            return null;
        }
        catch (PosixException e)
        {
            return e;
        }
    }

    /// <summary>Null when a file can be made in the folder, written and read back. It has no name, where the file system can do that.</summary>
    /// <param name="mayName">Whether a file with a name may be made where it must have one; if not, the kernel is asked for the right only.</param>
    /// <exception cref="IOException">The file system gives back something else than was written.</exception>
    public static PosixException? TryWrite(string folder, bool mayName)
    {
        try
        {
            using var file = Posix.Open(folder, OpenFlags.ReadWrite | OpenFlags.Directory | OpenFlags.TemporaryFile, 0x180 /* 0600 */);
            WriteAndRead(file, folder);
            return null;
        }
        catch (PosixException e) when (e.Errno is Errno.EOPNOTSUPP or Errno.EISDIR or Errno.EINVAL or Errno.ENOENT)
        {
            // NFS, SMB, 9p and some others know no files without a name.
        }
        catch (PosixException e)
        {
            return e;
        }

        if (!mayName)
        {
            return Posix.IsWritable(folder) ? null : new PosixException("write to", folder, Errno.EACCES);
        }

        var path = $"{folder}/probe-{Guid.NewGuid():N}{AtomicFile.PartialSuffix}";
        try
        {
            using var file = Posix.CreateNew(path);
            Posix.Unlink(path);
            WriteAndRead(file, folder);
            return null;
        }
        catch (PosixException e)
        {
            return e;
        }
    }

    private static void WriteAndRead(SafeFileHandle file, string folder)
    {
        RandomAccess.Write(file, Content, 0);
        var read = new byte[Content.Length];
        if (RandomAccess.Read(file, read, 0) != read.Length || !read.AsSpan().SequenceEqual(Content))
        {
            throw new IOException($"What was written in {PathText.Show(folder)} does not come back.");
        }
    }
}
