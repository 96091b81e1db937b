using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Puts right a LevelDB <c>LOCK</c> that would keep its application from starting, when nobody holds it.</summary>
/// <remarks>
/// The lock is the kernel's and dies with its process, so a LOCK that merely lies there blocks nothing and is left alone; none is ever deleted to "free" it, for
/// a process that holds a deleted one and the next that makes a new one would both write. What does block an open (leveldb util/env_posix.cc, LockFile: open for
/// reading and writing, then fcntl) is a LOCK of another owner or without the right to write, and one that is no regular file.
/// </remarks>
internal sealed class RepairLevelDbLock(WorkFolders folders)
{
    private const uint OwnerReadWrite = 0x180;

    /// <summary>Looks at every LevelDB folder of storage. Tells what was found and what was done; empty when all is well.</summary>
    public IReadOnlyList<Finding> Run(CancellationToken ct)
    {
        if (Posix.FindTargetStat(folders.Storage) is not { Kind: FileKind.Directory })
        {
            return [];
        }

        try
        {
            return Look(ct);
        }
        catch (IOException e)
        {
            // It comes after a restore that is done, and at starts that must go on.
            return [new Finding("storage", $"Whether a LOCK keeps an application from its database could not be looked at: {e.Message}")];
        }
    }

    private IReadOnlyList<Finding> Look(CancellationToken ct)
    {
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        return [.. tree.Nodes.Where(node => node.FileName == "CURRENT" && node.Stat.Kind == FileKind.File && IsLevelDb(tree, node)).SelectMany(node => Repair(tree, node))];
    }

    private static bool IsLevelDb(StorageTree tree, TreeNode current) =>
        tree.ReadHead(current).AsSpan().StartsWith("MANIFEST-"u8);

    private static IEnumerable<Finding> Repair(StorageTree tree, TreeNode current)
    {
        var path = $"{tree.FullPath(current.Folder)}/LOCK";
        var shown = PathText.Show(current.Folder.Length == 0 ? "LOCK" : $"{current.Folder}/LOCK");
        string? told;
        try
        {
            told = Posix.FindStat(path) switch
            {
                null => null,
                { Kind: FileKind.File } stat => RepairFacts(path, stat, current.Stat),
                { Kind: var kind } => Replace(path, kind),
            };
        }
        catch (PosixException e)
        {
            told = $"It keeps the application from opening its database, and could not be repaired: {e.Message} Give it the owner of the folder's other files, and mode 644.";
        }

        return told is null ? [] : [new Finding(shown, told)];
    }

    private static string? RepairFacts(string path, FileStat stat, FileStat owner)
    {
        var isRightOwner = stat.Uid == owner.Uid;
        if ((isRightOwner && (stat.Mode & OwnerReadWrite) == OwnerReadWrite) || (stat.Mode & 0x6) == 0x6)
        {
            return null;
        }

        if (OwnerProbe.Look(path).State == OwnerState.InUse)
        {
            return $"A process holds it, so it was left alone, although its owner {stat.Uid} or mode {Convert.ToString(stat.Mode, 8)} does not fit the database's.";
        }

        if (!isRightOwner)
        {
            Posix.SetOwner(path, owner.Uid, owner.Gid);
        }

        Posix.SetMode(path, stat.Mode | OwnerReadWrite);
        return $"It belonged to {stat.Uid}:{stat.Gid} with mode {Convert.ToString(stat.Mode, 8)}, so the application ({owner.Uid}:{owner.Gid}) could not have opened its database; nobody held it, and it was given the database's owner.";
    }

    private static string Replace(string path, FileKind kind)
    {
        if (kind == FileKind.Directory)
        {
            if (Posix.ListNames(path).Count > 0)
            {
                return "It is a folder with something in it, so the application cannot open its database: move it away.";
            }

            Posix.RemoveFolder(path);
            return "It was an empty folder, so the application could not have opened its database; it was removed.";
        }

        Posix.Unlink(path);
        return $"It was a {(kind == FileKind.Symlink ? "symlink" : "pipe, socket or device")} instead of a file, so the application could not have opened its database; it was removed.";
    }
}
