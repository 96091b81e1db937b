using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>The entries of an archive from its index, with their hashes.</summary>
internal static class IndexListing
{
    public static IEnumerable<ArchiveEntry> Of(IndexCursor cursor)
    {
        while (cursor.NextSegment() is { } entries)
        {
            while (cursor.NextChunk() is not null)
            {
                // The hashes stand behind the chunks.
            }

            var hashes = cursor.EndSegment();
            var number = 0;
            foreach (var (entry, _) in entries)
            {
                yield return entry.Kind == EntryKind.File ? entry with { Sha256 = hashes[number++].ToString() } : entry;
            }
        }
    }
}
