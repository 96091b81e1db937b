using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What is special about an archive that this service did not write: how it was packed is not known, nor whether it belongs here.</summary>
internal static class ForeignTree
{
    /// <summary>
    /// Strips one leading folder where it is unambiguous: the archive holds nothing else, storage has no such folder, and it is called as storage itself is, or
    /// storage has names that lie in it.
    /// </summary>
    public static void StripLeadingFolder(SwapFolder folder, StorageTree live, string storage)
    {
        var top = Posix.ListNames(folder.New).Where(name => !SwapFolder.IsReserved(name)).ToList();
        if (top is not [var name] || Posix.Stat($"{folder.New}/{name}").Kind != FileKind.Directory || live.Find(name) is not null)
        {
            return;
        }

        var inside = Posix.ListNames($"{folder.New}/{name}");
        if (name == "storage" || name == Path.GetFileName(storage) || inside.Exists(child => live.Find(child) is not null))
        {
            var outer = $"{folder.Path}/outer";
            Posix.Rename(folder.New, outer);
            Posix.Rename($"{outer}/{name}", folder.New);
            TreeRemoval.Remove(outer);
        }
    }

    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: storage has databases, and none of them is in the archive.</exception>
    public static void RequireFamiliar(string archive, IReadOnlyList<FoundSource> live, IReadOnlyList<FoundSource> staged)
    {
        var known = live.Where(IsDatabase).Select(found => found.Source.Name).ToList();
        if (known.Count > 0 && !staged.Any(found => IsDatabase(found) && known.Contains(found.Source.Name, StringComparer.Ordinal)))
        {
            throw new BackupException(
                Fault.ArchiveIncompatible,
                $"{archive} was not made by this service and holds none of the databases of this storage ({string.Join(", ", known.Take(5).Select(PathText.Show))}); restoring it would remove them.",
                "If it is the right archive, ask again with 'force', or drop it into the restore folder with '.force' before the ending of its name, for instance data.force.tar.gz.");
        }
    }

    private static bool IsDatabase(FoundSource found) => found.Source.Engine != Source.PlainFiles;
}
