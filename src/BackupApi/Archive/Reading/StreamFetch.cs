using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Takes one file out of an archive without an index. What its bytes are worth is known only behind the last of them, so the archive is read twice: to prove it, then to copy.</summary>
internal static class StreamFetch
{
    /// <param name="open">Gives the archive from its start, each time.</param>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>; <see cref="Fault.ArchiveDamaged"/> and <see cref="Fault.ArchiveHostile"/>, before the first byte is written.</exception>
    public static async Task<ArchiveEntry> CopyAsync(Func<TarEntryStream> open, string name, Stream destination, CancellationToken ct)
    {
        var (entry, sha256) = await ProveAsync(open, name, ct);
        var file = entry;
        if (entry.Kind == EntryKind.HardLink)
        {
            (file, sha256) = await ProveAsync(open, entry.LinkTarget!, ct);
            if (file.Kind != EntryKind.File)
            {
                throw ArchiveFaults.LinkToLink(name, file.Name);
            }
        }

        await using var tar = open();
        while (await tar.NextAsync(ct) is { } found)
        {
            if (found.Name == file.Name && found.Kind == EntryKind.File)
            {
                return await EntryFetch.CopyAsync(tar.ReadAsync, destination, ct) == sha256
                    ? file with { Name = name, Sha256 = sha256 }
                    : throw ArchiveFaults.Damaged("The archive changed while it was read.", $"entry '{EntryName.Short(name)}'");
            }
        }

        throw ArchiveFaults.NoSuchEntry(name);
    }

    /// <summary>Reads the archive to its end, gzip's checksum included. Gives the one file or hard link of that name, and the SHA-256 of a file.</summary>
    private static async Task<(ArchiveEntry Entry, string? Sha256)> ProveAsync(Func<TarEntryStream> open, string name, CancellationToken ct)
    {
        (ArchiveEntry Entry, string? Sha256)? result = null;
        await using var tar = open();
        while (await tar.NextAsync(ct) is { } entry)
        {
            if (entry.Name != name || entry.Kind == EntryKind.Directory)
            {
                continue;
            }

            if (result is not null)
            {
                throw EntryName.Hostile(name, "comes twice");
            }

            result = (entry, entry.Kind == EntryKind.File ? await EntryFetch.CopyAsync(tar.ReadAsync, Stream.Null, ct) : null);
        }

        return result is { Entry.Kind: EntryKind.File or EntryKind.HardLink } ? result.Value : throw ArchiveFaults.NoSuchEntry(name);
    }
}
