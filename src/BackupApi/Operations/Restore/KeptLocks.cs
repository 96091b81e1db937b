using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Which <c>LOCK</c> files of LevelDB folders stay where they are while all around them is exchanged.</summary>
/// <remarks>
/// The lock is the kernel's, held on the file's inode: were the file replaced while a process holds it, a second process could lock the new one, and both would write.
/// A free LOCK is harmless (the file's existence means nothing), so it stays too wherever the backup has the database; it goes only together with its whole database.
/// </remarks>
internal static class KeptLocks
{
    public static Func<string, bool> In(StorageTree live, StorageTree staged)
    {
        var kept = live.Nodes.Where(node => node.FileName == "LOCK" && node.Stat.Kind == FileKind.File && Stays(live, staged, node)).Select(node => node.Path).ToHashSet(StringComparer.Ordinal);
        return kept.Contains;
    }

    private static bool Stays(StorageTree live, StorageTree staged, TreeNode node)
    {
        var current = node.Folder.Length == 0 ? "CURRENT" : $"{node.Folder}/CURRENT";
        if (live.Find(current) is null)
        {
            return false;
        }

        return (staged.Find(current) is not null && staged.Find(node.Path) is null) || OwnerProbe.Look(live.FullPath(node.Path)).State == OwnerState.InUse;
    }
}
