using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Copies a database that was dropped as it is into a staged tree, under the path of the one it replaces, and gives the copy the owner and mode of that one: the application must be able to open it.</summary>
internal static class BareCopy
{
    private const uint FileMode = 0x1A4; // 0644
    private const uint FolderMode = 0x1ED; // 0755

    /// <summary>SQLite's scratch memory and LevelDB's lock hold no data, and those of others are of no use.</summary>
    private static bool IsData(string file) => !file.EndsWith("-shm", StringComparison.Ordinal) && BareTarget.NameOf(file) != "LOCK";

    /// <returns>Owners that could not be given.</returns>
    public static IReadOnlyList<Finding> Make(Source dropped, StorageTree from, StorageTree live, string target, string into, CancellationToken ct)
    {
        var isFolder = from.Find(dropped.Name) is { Stat.Kind: FileKind.Directory };
        var told = new List<Finding>();
        var model = ModelOf(live, target);
        var parents = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in dropped.Files.Where(IsData).Where(file => from.Find(file) is { Stat.Kind: FileKind.File }))
        {
            var name = isFolder ? $"{target}{file[dropped.Name.Length..]}" : $"{FolderOf(target)}{BareTarget.NameOf(file)}";
            MakeParents(name, live, into, parents, told);
            using (var source = Posix.OpenRead(from.FullPath(file)))
            {
                QuietCopy.Copy(source, RandomAccess.GetLength(source), $"{into}/{name}", ct);
            }

            var like = live.Find(name)?.Stat ?? model;
            Give($"{into}/{name}", like?.Uid, like?.Gid, like?.Mode ?? FileMode, told);
            Posix.SetModified($"{into}/{name}", from.Find(file)!.Stat.Modified);
        }

        // Filling a folder changed its time.
        foreach (var parent in parents.Where(parent => live.Find(parent) is not null))
        {
            Posix.SetModified($"{into}/{parent}", live.Find(parent)!.Stat.Modified);
        }

        return told;
    }

    /// <summary>For a file that storage has not: as the database's others, else as storage itself.</summary>
    private static FileStat? ModelOf(StorageTree live, string target) =>
        live.Find(target) is { Stat.Kind: FileKind.File } file ? file.Stat
        : live.Below(target).FirstOrDefault(node => node.Stat.Kind == FileKind.File)?.Stat ?? (Posix.FindTargetStat(live.Root) is { } root ? root with { Mode = FileMode } : null);

    private static void MakeParents(string name, StorageTree live, string into, HashSet<string> made, List<Finding> told)
    {
        for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = name.IndexOf('/', slash + 1))
        {
            var parent = name[..slash];
            if (made.Add(parent))
            {
                var like = live.Find(parent) is { Stat.Kind: FileKind.Directory } here ? here.Stat : Posix.FindTargetStat(live.Root)!.Value with { Mode = FolderMode };
                Posix.MakeFolder($"{into}/{parent}");
                Give($"{into}/{parent}", like.Uid, like.Gid, like.Mode, told);
            }
        }
    }

    private static void Give(string path, uint? uid, uint? gid, uint mode, List<Finding> told)
    {
        try
        {
            if (uid is { } user && gid is { } group && (Posix.Stat(path) is var now && (now.Uid != user || now.Gid != group)))
            {
                Posix.SetOwner(path, user, group);
            }
        }
        catch (PosixException e)
        {
            told.Add(new Finding(BareTarget.NameOf(PathText.Show(path)), $"Its owner could not be given back: {e.Message}"));
        }

        Posix.SetMode(path, mode);
    }

    private static string FolderOf(string path) => path[..(path.LastIndexOf('/') + 1)];
}
