using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Removes a folder and all below it, whatever its names are; symlinks are removed, never followed.</summary>
internal static class TreeRemoval
{
    /// <summary>Does nothing when the path does not exist. A mount below it is not entered: its removal fails with EBUSY.</summary>
    /// <exception cref="PosixException">Something could not be removed.</exception>
    public static void Remove(string path)
    {
        var stat = Posix.FindStat(path);
        if (stat is null)
        {
            return;
        }

        if (stat.Value.Kind != FileKind.Directory)
        {
            Posix.Unlink(path);
            return;
        }

        if ((stat.Value.Mode & 0x1C0) != 0x1C0)
        {
            Posix.SetMode(path, stat.Value.Mode | 0x1C0);
        }

        foreach (var name in Posix.ListNames(path))
        {
            // Most names are files: one call each, and only a folder is looked at. unlink(2) of a folder is EISDIR on Linux.
            if (!Posix.TryUnlinkFile($"{path}/{name}"))
            {
                Remove($"{path}/{name}");
            }
        }

        Posix.RemoveFolder(path);
    }
}
