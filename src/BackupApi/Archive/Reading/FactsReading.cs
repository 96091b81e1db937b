using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Archive.Gzip;
using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Reads manifest and report by the shortest way: two pieces whose places the locator tells.</summary>
internal static class FactsReading
{
    public static async Task<(Manifest? Manifest, Report? Report)> ReadAsync(ArchiveFile file, CancellationToken ct) =>
        file.Locator is { } at ? (FindManifest(file, at), FindReport(file, at)) : (await FindFirstAsync(file, ct), null);

    private static Manifest? FindManifest(ArchiveFile file, Locator at)
    {
        if (ManifestHead.Length(at.ManifestLength) != at.ContentOffset)
        {
            return null;
        }

        var head = new byte[at.ContentOffset];
        var content = new byte[TarFormat.BlockLength + at.ManifestLength];
        return file.TryRead(head, 0) && ManifestHead.TryRead(head, content) && ChunkCodec.Crc32Of(content) == at.HeadCrc32
            ? ArchiveJson.Read<Manifest>(content.AsSpan(TarFormat.BlockLength))
            : null;
    }

    private static Report? FindReport(ArchiveFile file, Locator at)
    {
        var compressed = new byte[at.ReportCompressedLength];
        var content = new byte[at.ReportLength];
        return file.TryRead(compressed, at.ReportOffset)
            && ChunkCodec.TryInflate(compressed, content, at.ReportCrc32, new byte[ChunkCodec.FrameLength(compressed.Length)])
            ? ArchiveJson.Read<Report>(content)
            : null;
    }

    /// <summary>An archive that lost its end still tells at its head what it was.</summary>
    private static async Task<Manifest?> FindFirstAsync(ArchiveFile file, CancellationToken ct)
    {
        try
        {
            await using var tar = new TarEntryStream(new GzipInput(file.OpenFrom(0)));
            return await tar.NextAsync(ct) is { Name: Manifest.EntryName, Kind: EntryKind.File } entry
                ? ArchiveJson.Read<Manifest>(await SmallEntry.ReadAsync(tar, entry.Size, ct))
                : null;
        }
        catch (BackupException)
        {
            return null;
        }
    }
}
