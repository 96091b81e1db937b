using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LevelDb;

/// <summary>A file of the owner's held open, so that its content outlives its name.</summary>
/// <param name="Stat">As it stood when it was opened.</param>
internal sealed record OpenedFile(FileName Name, SafeFileHandle Handle, FileStat Stat) : IDisposable
{
    /// <summary>Null when the file is gone, or is no regular file.</summary>
    public static OpenedFile? Find(string folder, FileName name)
    {
        var path = $"{folder}/{name.Name}";
        SafeFileHandle handle;
        try
        {
            handle = Posix.OpenRead(path);
        }
        catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ELOOP)
        {
            return null;
        }

        var file = new OpenedFile(name, handle, Posix.Stat(handle, path));
        if (file.Stat.Kind == FileKind.File)
        {
            return file;
        }

        handle.Dispose();
        return null;
    }

    /// <summary>As it stands now.</summary>
    public FileStat StatNow() => Posix.Stat(Handle, Name.Name);

    /// <summary>Up to <paramref name="limit"/> bytes from the beginning.</summary>
    public byte[] ReadHead(int limit)
    {
        var bytes = new byte[limit];
        return bytes[..QuietCopy.ReadFully(Handle, bytes, 0)];
    }

    public void Dispose() => Handle.Dispose();
}
