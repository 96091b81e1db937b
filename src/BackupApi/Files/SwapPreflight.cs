using System.Runtime.InteropServices;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Looks, before the first step of a swap, for what would make a step impossible: after the commit point it would be too late.</summary>
internal static partial class SwapPreflight
{
    private const int WriteAndSearch = 2 | 1;
    private const int EffectiveIds = 0x200;

    /// <exception cref="BackupException">
    /// <see cref="Fault.ArchiveIncompatible"/>: a mount lies where names must be exchanged. <see cref="Fault.PermissionDenied"/>: a folder may not be written to.
    /// </exception>
    public static void Require(StorageTree live, IReadOnlyList<SwapStep> steps)
    {
        RequireNoMounts(live, steps);
        RequireWritableFolders(live, steps);
    }

    private static void RequireNoMounts(StorageTree live, IReadOnlyList<SwapStep> steps)
    {
        var root = Posix.FindTargetStat(live.Root) ?? throw new PosixException("stat", live.Root, Errno.ENOENT);
        var mounts = live.Nodes.Where(node => node.Stat.MountId != root.MountId || node.Stat.Device != root.Device).Select(node => node.Path).ToHashSet(StringComparer.Ordinal);
        if (mounts.Count == 0)
        {
            return;
        }

        var moved = steps.Where(step => step.Action != SwapAction.Attributes).Select(step => step.Path).ToHashSet(StringComparer.Ordinal);
        var inTheWay = mounts.FirstOrDefault(mount => Ancestry(mount).Any(moved.Contains))
            ?? moved.SelectMany(Ancestry).FirstOrDefault(mounts.Contains);
        if (inTheWay is not null)
        {
            var top = Ancestry(inTheWay).Last(mounts.Contains);
            throw new BackupException(
                Fault.ArchiveIncompatible,
                $"{PathText.Show(top)} inside storage is a mount point of its own, so it cannot be exchanged together with the rest.",
                "Unmount it for the restore (in docker-compose.yml: mount the whole storage, not a file or folder in it), or restore with 'paths' that leave it out.");
        }
    }

    private static void RequireWritableFolders(StorageTree live, IReadOnlyList<SwapStep> steps)
    {
        foreach (var folder in steps.Where(step => step.Action != SwapAction.Attributes).SelectMany(step => FoldersWritten(live, step)).Distinct(StringComparer.Ordinal))
        {
            var path = live.FullPath(folder);
            if (faccessat(Posix.AtFdCwd, PathText.ForSystemCall(path), WriteAndSearch, EffectiveIds) < 0)
            {
                var failure = new PosixException("write to", path, Marshal.GetLastPInvokeError());
                throw Errno.ToFault(failure);
            }
        }
    }

    /// <summary>The folder a name lies in, and the name itself where it is a folder: moving one writes its <c>..</c>.</summary>
    private static IEnumerable<string> FoldersWritten(StorageTree live, SwapStep step)
    {
        yield return step.Path.LastIndexOf('/') is var slash and >= 0 ? step.Path[..slash] : "";
        if (step.Action != SwapAction.Add && live.Find(step.Path) is { Stat.Kind: FileKind.Directory })
        {
            yield return step.Path;
        }
    }

    /// <summary>The path itself and every folder it lies in, the nearest first.</summary>
    private static IEnumerable<string> Ancestry(string path)
    {
        yield return path;
        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            yield return path[..slash];
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int faccessat(int folder, byte[] path, int mode, int flags);
}
