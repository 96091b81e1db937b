using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Our own folders, known by device and inode, so that they are never captured: not when they lie under storage, nor when they are mounted there a second time.</summary>
internal sealed class OwnFolders
{
    /// <summary>Reserved at the root of storage: never captured, never restored into place.</summary>
    public const string ReservedName = ".backup";

    private readonly HashSet<(ulong Device, ulong Inode)> own = [];

    public OwnFolders(params IEnumerable<string> folders)
    {
        foreach (var folder in folders)
        {
            if (Posix.FindTargetStat(folder) is { } stat)
            {
                own.Add((stat.Device, stat.Inode));
            }
        }
    }

    /// <summary>Whether a name under storage is ours.</summary>
    /// <param name="path">Relative to storage.</param>
    public bool Contains(string path, FileStat stat) =>
        path == ReservedName || (stat.Kind == FileKind.Directory && own.Contains((stat.Device, stat.Inode)));
}
