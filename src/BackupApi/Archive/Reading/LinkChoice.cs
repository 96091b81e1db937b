using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>What to unpack when only some entries are wanted: a hard link whose file is not among them takes the file's content along, under its own name.</summary>
internal sealed class LinkChoice
{
    private readonly Func<ArchiveEntry, bool> select;
    private readonly Dictionary<string, string> standIns = new(StringComparer.Ordinal);

    private LinkChoice(Func<ArchiveEntry, bool> select) => this.select = select;

    /// <summary>Goes once through the index.</summary>
    /// <param name="select">By the name alone: a link's file is asked about under its name, before it is met.</param>
    public static LinkChoice Of(IndexCursor cursor, Func<ArchiveEntry, bool> select)
    {
        var choice = new LinkChoice(select);
        while (cursor.NextSegment() is { } entries)
        {
            foreach (var (entry, _) in entries)
            {
                if (entry is { Kind: EntryKind.HardLink, LinkTarget: { } target } && select(entry) && !select(entry with { Name = target, Kind = EntryKind.File, LinkTarget = null }))
                {
                    choice.standIns.TryAdd(target, entry.Name);
                }
            }

            while (cursor.NextChunk() is not null)
            {
                // Only the entries count here.
            }

            cursor.EndSegment();
        }

        return choice;
    }

    public bool Wants(ArchiveEntry entry) => select(entry) || standIns.ContainsKey(entry.Name);

    /// <summary>The entry as it is to be unpacked; null when it is not.</summary>
    public ArchiveEntry? Place(ArchiveEntry entry)
    {
        if (standIns.TryGetValue(entry.Name, out var name))
        {
            return entry with { Name = name };
        }

        if (!select(entry))
        {
            return null;
        }

        if (entry.LinkTarget is { } target && entry.Kind == EntryKind.HardLink && standIns.TryGetValue(target, out var standIn))
        {
            return standIn == entry.Name ? null : entry with { LinkTarget = standIn };
        }

        return entry;
    }
}
