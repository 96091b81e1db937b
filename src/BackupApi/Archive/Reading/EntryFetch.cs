using System.Security.Cryptography;
using BackupApi.Archive.Format;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Takes one file out of an archive with an index, touching the index's page and the file's own chunks only.</summary>
internal static class EntryFetch
{
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>; <see cref="Fault.ArchiveDamaged"/>, possibly after bytes have gone to <paramref name="destination"/>.</exception>
    public static Task<ArchiveEntry> CopyAsync(ArchiveFile file, int threads, string name, Stream destination, CancellationToken ct) =>
        CopyAsync(file, threads, name, linkedFrom: null, destination, ct);

    /// <param name="linkedFrom">The hard link that leads here: it must lead to a file, or links could go round in circles.</param>
    private static async Task<ArchiveEntry> CopyAsync(ArchiveFile file, int threads, string name, string? linkedFrom, Stream destination, CancellationToken ct)
    {
        var cursor = IndexCursor.Open(file) ?? throw ArchiveFaults.Damaged("The directory of the index is damaged.", $"archive offset {file.Locator!.DirectoryOffset}");
        cursor.Seek(name);
        await using var reader = new SegmentReader(
            file,
            cursor,
            threads,
            withSha256: false,
            entries => entries.Any(entry => entry.Entry.Name == name),
            entries => EntryOrder.Instance.Compare(entries[0].Entry.Name, name) > 0,
            ct);
        if (await reader.NextAsync() is not { } segment)
        {
            throw ArchiveFaults.NoSuchEntry(name);
        }

        var wanted = segment.First(entry => entry.Entry.Name == name).Entry;
        if (wanted.Kind == EntryKind.HardLink)
        {
            return linkedFrom is null
                ? await CopyAsync(file, threads, wanted.LinkTarget!, name, destination, ct) with { Name = name }
                : throw ArchiveFaults.LinkToLink(linkedFrom, name);
        }

        string? sha256 = null;
        await SegmentEntries.VisitAsync(reader, segment, async (entry, read, token) =>
        {
            if (entry.Name != name || entry.Kind != EntryKind.File)
            {
                return null;
            }

            return sha256 = await CopyAsync(read, destination, token);
        }, ct);
        return sha256 is null ? throw ArchiveFaults.NoSuchEntry(name) : wanted with { Sha256 = sha256 };
    }

    /// <summary>Copies a content and gives its SHA-256.</summary>
    public static async Task<string> CopyAsync(Func<Memory<byte>, CancellationToken, ValueTask<int>> read, Stream destination, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[ArchiveLayout.ChunkLength];
        int length;
        while ((length = await read(buffer, ct)) > 0)
        {
            hash.AppendData(buffer, 0, length);
            await destination.WriteAsync(buffer.AsMemory(0, length), ct);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
