using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive;

/// <summary>The folder that an archive is unpacked into, entered part by part without following a link.</summary>
/// <remarks>Keeps one folder open: entries of one folder come together, so most of them need no walk.</remarks>
internal sealed class UnpackFolder(string root) : IDisposable
{
    private const OpenFlags FolderFlags = OpenFlags.ReadOnly | OpenFlags.Directory;
    private const uint ImplicitFolderMode = 0x1ED; /* 0755: what mkdir -p of most people gives */

    private readonly SafeFileHandle rootHandle = Posix.OpenFolder(root);
    private SafeFileHandle? current;
    private string currentPath = "";

    /// <summary>The open folder that holds <paramref name="name"/>, made where the archive has no entry for it. Valid until the next call.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveHostile"/>: the way leads through something that is not a folder.</exception>
    public SafeFileHandle ParentOf(string name, out string fileName)
    {
        var slash = name.LastIndexOf('/');
        fileName = name[(slash + 1)..];
        return Enter(slash < 0 ? "" : name[..slash], name);
    }

    /// <summary>The same without making anything; null where the way is not there, or leads through something that is not a folder.</summary>
    public SafeFileHandle? FindParentOf(string name, out string fileName)
    {
        var parts = name.Split('/');
        fileName = parts[^1];
        var at = rootHandle;
        for (var i = 0; i < parts.Length - 1; i++)
        {
            try
            {
                at = Posix.OpenAt(at, parts[i], FolderFlags);
                current?.Dispose();
                (current, currentPath) = (at, string.Join('/', parts[..(i + 1)]));
            }
            catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
            {
                return null;
            }
        }

        return at;
    }

    /// <summary>The folder of that cleaned name itself.</summary>
    public SafeFileHandle Enter(string path, string forEntry)
    {
        if (current is not null && path == currentPath)
        {
            return current;
        }

        if (path.Length == 0)
        {
            return rootHandle;
        }

        var isBelow = current is not null && path.Length > currentPath.Length && path[currentPath.Length] == '/' && path.StartsWith(currentPath, StringComparison.Ordinal);
        var at = isBelow ? current! : rootHandle;
        foreach (var part in (isBelow ? path[(currentPath.Length + 1)..] : path).Split('/'))
        {
            var next = Step(at, part, forEntry);
            if (at != rootHandle)
            {
                at.Dispose();
            }

            at = next;
        }

        if (!isBelow)
        {
            current?.Dispose();
        }

        current = at;
        currentPath = path;
        return at;
    }

    public void Dispose()
    {
        current?.Dispose();
        rootHandle.Dispose();
    }

    private SafeFileHandle Step(SafeFileHandle at, string part, string forEntry)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return Posix.OpenAt(at, part, FolderFlags);
            }
            catch (PosixException e) when (e.Errno == Errno.ENOENT && tries == 0)
            {
                Posix.MakeFolderAt(at, part, ImplicitFolderMode);
            }
            catch (PosixException e) when (e.Errno is Errno.ENOTDIR or Errno.ELOOP)
            {
                // O_DIRECTORY with O_NOFOLLOW on a symlink answers ENOTDIR or ELOOP, depending on the kernel.
                var isLink = Posix.FindStatAt(at, part) is { Kind: FileKind.Symlink };
                Forget(at);
                throw EntryName.Hostile(forEntry, $"leads through '{EntryName.Short(part)}', which is a {(isLink ? "symlink" : "file")}, not a folder");
            }
        }
    }

    /// <summary>After a failure half way the kept folder may be a disposed one.</summary>
    private void Forget(SafeFileHandle at)
    {
        if (at != rootHandle)
        {
            at.Dispose();
        }

        if (current is { IsClosed: true })
        {
            current = null;
            currentPath = "";
        }
    }
}
