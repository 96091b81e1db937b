using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Reads a content to its end, or as far as wanted; gives its SHA-256 when it was read whole.</summary>
internal delegate Task<string?> EntryVisit(ArchiveEntry entry, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct);

/// <summary>Goes through the entries of a segment as the tar holds them, and demands that the index says the same of each.</summary>
internal static class SegmentEntries
{
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>: a chunk is damaged, tar and index disagree, or a content does not match its SHA-256.</exception>
    public static async Task VisitAsync(SegmentReader reader, IReadOnlyList<IndexedEntry> entries, EntryVisit visit, CancellationToken ct)
    {
        var tar = new TarEntryStream(reader.Content, isOurs: true);
        var seen = new List<(string Name, string? Sha256)>();
        foreach (var (expected, _) in entries)
        {
            if (await tar.NextAsync(ct) is not { } entry || entry != expected)
            {
                throw ArchiveFaults.Damaged("The tar says other than the index.", $"entry '{EntryName.Short(expected.Name)}'");
            }

            var sha256 = await visit(entry, tar.ReadAsync, ct);
            await tar.SkipContentAsync(ct);
            if (entry.Kind == EntryKind.File)
            {
                seen.Add((entry.Name, sha256));
            }
        }

        var hashes = await reader.EndAsync();
        for (var i = 0; i < seen.Count; i++)
        {
            if (seen[i].Sha256 is { } sha256 && sha256 != hashes[i].ToString())
            {
                throw ArchiveFaults.Damaged("The content does not match its SHA-256.", $"entry '{EntryName.Short(seen[i].Name)}'");
            }
        }
    }

    /// <summary>The names of a segment for a message.</summary>
    public static string Describe(IReadOnlyList<IndexedEntry> entries) =>
        entries.Count == 1 ? EntryName.Short(entries[0].Entry.Name) : $"{EntryName.Short(entries[0].Entry.Name)} … {EntryName.Short(entries[^1].Entry.Name)} ({entries.Count} entries)";
}
