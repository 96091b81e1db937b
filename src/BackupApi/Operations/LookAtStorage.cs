using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>First phase of a backup: walks storage, and refuses one that is gone, or empty where the last backup was not.</summary>
internal sealed class LookAtStorage(WorkFolders folders)
{
    /// <param name="last">The newest backup of ours; null before the first.</param>
    /// <param name="mayBeEmpty">A backup before a restore takes storage as it is.</param>
    /// <exception cref="BackupException"><see cref="Fault.StorageMissing"/>.</exception>
    public StorageTree Run(Backup? last, bool mayBeEmpty, CancellationToken ct)
    {
        RequireFolder(folders.Storage);
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        if (!mayBeEmpty && last is { ContentBytes: > 0 } && !tree.Nodes.Any(n => n.Stat is { Kind: FileKind.File, Size: > 0 }))
        {
            throw new BackupException(
                Fault.StorageMissing,
                $"The storage folder {folders.Storage} is empty, and the last backup {last.Name} was not.",
                "Check that the volume is mounted, or restore a backup; no backup was removed.");
        }

        return tree;
    }

    /// <exception cref="BackupException"><see cref="Fault.StorageMissing"/>.</exception>
    public static void RequireFolder(string storage)
    {
        if (Posix.FindTargetStat(storage) is not { Kind: FileKind.Directory })
        {
            throw new BackupException(
                Fault.StorageMissing,
                $"The storage folder {PathText.Show(storage)} does not exist.",
                "Check STORAGE_PATH and that the volume is mounted; no backup was removed.");
        }
    }
}
