using BackupApi.Archive.Encryption;
using BackupApi.Archive.Format;
using BackupApi.Archive.Reading;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Compares what was found in storage with what an index holds.</summary>
internal static class Unchanged
{
    private const uint SymlinkMode = 0x1FF;

    /// <summary>The entry of a name by the facts of its listing.</summary>
    public static ArchiveEntry EntryOf(CapturedFile file)
    {
        var kind = file.HardLinkTo is not null ? EntryKind.HardLink
            : file.LinkTarget is not null ? EntryKind.Symlink
            : file.Stat.Kind == FileKind.Directory ? EntryKind.Directory
            : EntryKind.File;
        var size = Segments.HasContent(file) ? file.Stat.Size : 0;
        var mode = kind == EntryKind.Symlink ? SymlinkMode : file.Stat.Mode;
        return new ArchiveEntry(file.Name, kind, size, mode, file.Stat.Uid, file.Stat.Gid, file.Stat.Modified, file.HardLinkTo ?? file.LinkTarget);
    }

    /// <summary>Same name and facts and, for a file, the same fingerprint, one that was fit to be trusted when it was taken.</summary>
    public static bool IsSame(CapturedFile file, IndexedEntry old) =>
        EntryOf(file) == old.Entry && (!Segments.HasContent(file) || (!file.IsQuiet && old.Fingerprint is { } then && then == file.Stat.Fingerprint));

    /// <summary>See <see cref="ArchiveReader.MatchesAsync"/>.</summary>
    public static bool Matches(string path, ArchiveKeys keys, IReadOnlyList<CapturedFile> files, CancellationToken ct)
    {
        try
        {
            using var file = ArchiveFile.Open(path, keys);
            if (IndexCursor.Open(file) is not { } cursor)
            {
                return false;
            }

            var ordered = EntryPlan.Order(files);
            var next = 0;
            while (cursor.NextSegment() is { } entries)
            {
                ct.ThrowIfCancellationRequested();
                foreach (var old in entries)
                {
                    if (next == ordered.Count || !IsStillThere(ordered[next++], old))
                    {
                        return false;
                    }
                }

                while (cursor.NextChunk() is not null)
                {
                    // The contents stand behind the fingerprints.
                }

                cursor.EndSegment();
            }

            return next == ordered.Count;
        }
        catch (Exception e) when (e is IOException or BackupException)
        {
            return false;
        }
    }

    /// <summary>The same, but for a file whose source vouches for it.</summary>
    public static bool IsStillThere(CapturedFile file, IndexedEntry old) =>
        file.FromReference ? file.Name == old.Entry.Name && old.Entry.Kind == EntryKind.File : IsSame(file, old);
}
