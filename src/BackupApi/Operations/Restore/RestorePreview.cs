using System.Collections;
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

    /// <summary>Paths that were asked for and are not in the backup.</summary>
    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    /// <summary>Why the restore would be refused; null when it would not, as far as can be told without reading the archive whole.</summary>
    public BackupException? Refusal { get; init; }
}

/// <summary>Compares the entries of an archive, one after the other, with storage as it is. Holds a bit for each name of storage, and as many names as are shown.</summary>
/// <param name="isSelected">What the restore is about.</param>
internal sealed class RestoreDifference(StorageTree live, Func<string, bool> isSelected)
{
    private readonly BitArray inBackup = new(live.Nodes.Count);

    public NameSample Replaced { get; } = new();

    public NameSample Added { get; } = new();

    public NameSample Removed { get; } = new();

    public long Unchanged { get; private set; }

    /// <summary>Of all entries, selected or not: all are unpacked before any is put in place.</summary>
    public long ContentBytes { get; private set; }

    public long Entries { get; private set; }

    public void Add(ArchiveEntry entry)
    {
        Entries++;
        ContentBytes += entry.Size;
        if (!isSelected(entry.Name))
        {
            return;
        }

        var place = live.PlaceOf(entry.Name);
        Mark(entry.Name, place);
        if (place < 0)
        {
            Added.Add(entry.Name);
        }
        else if (LooksSame(entry, live.Nodes[place]))
        {
            Unchanged += entry.Kind == EntryKind.Directory ? 0 : 1;
        }
        else
        {
            Replaced.Add(entry.Name);
        }
    }

    /// <summary>After the last entry of a backup that is restored whole: what it does not hold goes.</summary>
    public void RemoveTheRest()
    {
        for (var i = 0; i < live.Nodes.Count; i++)
        {
            if (!inBackup[i] && live.Nodes[i] is var node && !IsKeptLock(node))
            {
                Removed.Add(node.Path);
            }
        }
    }

    /// <summary>The folders on the way to an entry stay too, also where the archive has no entries for them.</summary>
    private void Mark(string name, int place)
    {
        while (place < 0 || !inBackup[place])
        {
            if (place >= 0)
            {
                inBackup[place] = true;
            }

            var slash = name.LastIndexOf('/');
            if (slash < 0)
            {
                return;
            }

            name = name[..slash];
            place = live.PlaceOf(name);
        }
    }

    private bool IsKeptLock(TreeNode node) =>
        node.FileName == "LOCK" && live.PlaceOf(node.Folder.Length == 0 ? "CURRENT" : $"{node.Folder}/CURRENT") is var current and >= 0 && inBackup[current];

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

/// <summary>Names in any number: all are counted, the first <see cref="RestorePreview.MaxNamed"/> are kept.</summary>
internal sealed class NameSample
{
    private readonly List<string> shown = [];

    public long Count { get; private set; }

    public IReadOnlyList<string> Shown => shown;

    public void Add(string name)
    {
        if (Count++ < RestorePreview.MaxNamed)
        {
            shown.Add(PathText.Show(name));
        }
    }
}
