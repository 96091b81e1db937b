using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What a restore would do to storage, by name. Each list ends at <see cref="MaxNamed"/>; the counts are complete.</summary>
internal sealed record RestorePreview
{
    public const int MaxNamed = 1000;

    public required string BackupName { get; init; }

    public RestoreMode Mode { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required VerificationLevel Verification { get; init; }

    public required bool IsProven { get; init; }

    public required long ReplacedCount { get; init; }

    public required IReadOnlyList<string> Replaced { get; init; }

    public required long AddedCount { get; init; }

    public required IReadOnlyList<string> Added { get; init; }

    public required long RemovedCount { get; init; }

    public required IReadOnlyList<string> Removed { get; init; }

    /// <summary>Files of which size, time, mode and owner are those of the backup. Their content would be compared before they are left alone.</summary>
    public required long UnchangedCount { get; init; }

    /// <summary>Room the unpacked tree needs beside storage.</summary>
    public required long NeededBytes { get; init; }

    public required long FreeBytes { get; init; }

    /// <summary>Whether there is room for the safety backup too. Where there is none, the replaced files are kept as the way back. True where none is taken.</summary>
    public required bool SafetyBackupFits { get; init; }

    /// <summary>Who has storage open; the restore would wait for the next start.</summary>
    public required IReadOnlyList<Finding> InUse { get; init; }

    /// <summary>Why it cannot be told whether somebody has it open; null when it can.</summary>
    public string? InUseDoubt { get; init; }

    /// <summary>Why the restore would be refused; null when it would not, as far as can be told without reading the archive whole.</summary>
    public BackupException? Refusal { get; init; }
}

/// <summary>Compares the entries of an archive with storage as it is. Pure: both sides are lists.</summary>
internal static class RestoreDifference
{
    /// <param name="isSelected">What the restore is about.</param>
    /// <param name="isEverything">What the backup does not hold goes.</param>
    public static (List<string> Replaced, List<string> Added, List<string> Removed, long Unchanged, long ContentBytes) Of(
        IReadOnlyList<ArchiveEntry> entries, StorageTree live, Func<string, bool> isSelected, bool isEverything)
    {
        var (replaced, added, removed) = (new List<string>(), new List<string>(), new List<string>());
        long unchanged = 0, content = 0;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries.Where(entry => isSelected(entry.Name)))
        {
            names.Add(entry.Name);
            content += entry.Size;
            if (live.Find(entry.Name) is not { } here)
            {
                added.Add(entry.Name);
            }
            else if (LooksSame(entry, here))
            {
                unchanged += entry.Kind == EntryKind.Directory ? 0 : 1;
            }
            else
            {
                replaced.Add(entry.Name);
            }
        }

        if (isEverything)
        {
            names.UnionWith(names.SelectMany(FoldersOf).ToList());
            removed.AddRange(live.Nodes.Where(node => !names.Contains(node.Path) && !IsKeptLock(node, names)).Select(node => node.Path));
        }

        return (replaced, added, removed, unchanged, content);
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            yield return path[..slash];
        }
    }

    private static bool IsKeptLock(TreeNode node, HashSet<string> names) =>
        node.FileName == "LOCK" && names.Contains(node.Folder.Length == 0 ? "CURRENT" : $"{node.Folder}/CURRENT");

    private static bool LooksSame(ArchiveEntry entry, TreeNode here)
    {
        var stat = here.Stat;
        return entry.Kind switch
        {
            EntryKind.Directory => stat.Kind == FileKind.Directory,
            EntryKind.Symlink => stat.Kind == FileKind.Symlink && here.LinkTarget == entry.LinkTarget,
            EntryKind.HardLink => stat is { Kind: FileKind.File, Links: > 1 },
            _ => stat.Kind == FileKind.File && stat.Size == entry.Size && stat.Modified == entry.Modified && stat.Mode == entry.Mode
                && (entry.Uid is null || entry.Uid == stat.Uid) && (entry.Gid is null || entry.Gid == stat.Gid),
        };
    }
}
