using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Writes what follows the content: report, checksums, index, locator, the end of the tar and of the gzip member; and last, at the head, the manifest.</summary>
internal sealed class ArchiveEnd(ArchiveOutput output, int level)
{
    private const uint OwnMode = 0x1A4; /* 0644 */

    private byte[] gap = [];
    private uint crc32;
    private long tarLength;

    /// <summary>When this returns, all of it is on the disk.</summary>
    /// <param name="room">Bytes kept for the manifest's content, a multiple of 512.</param>
    /// <returns>CRC-32C of the head, which was not appended like the rest.</returns>
    public uint Write(Manifest manifest, Report report, ContentAssembly content, int room)
    {
        var json = ArchiveJson.Write(manifest);
        room = Math.Max(room, (int)TarFormat.Padded(json.Length));
        var head = ManifestHead.Make(json, room, manifest.CreatedAt);
        if (head.Bytes.Length > output.HeadLength)
        {
            output.GrowHead(head.Bytes.Length);
        }

        content.Finish();
        (crc32, tarLength) = (content.Totals.Crc32, content.Totals.TarLength);
        var contentEnd = Here;
        output.StartPart();

        var reportJson = ArchiveJson.Write(report);
        AddHeader(Report.EntryName, reportJson.Length, manifest.CreatedAt);
        var reportOffset = Here;
        var reportLength = Compress(reportJson);
        AddHeader(ChecksumList.EntryName, content.Sums.ContentLength, manifest.CreatedAt);
        Add(content.Sums);

        var index = content.Index.Finish();
        Compress([.. gap, .. TarHeader.Write(OwnEntry(ArchiveLayout.IndexName, index.Content.ContentLength, manifest.CreatedAt))]);
        var indexOffset = Here;
        Add(index.Content);

        // What pads the index goes into a chunk of its own, so that the tail behind it has a fixed length.
        Compress(new byte[TarFormat.Padding(index.Content.ContentLength)]);
        var locator = new Locator(
            FileLength: Here + ArchiveLayout.TailLength + ArchiveLayout.TrailerLength,
            TarLength: TarFormat.BlockLength + room + tarLength + ArchiveLayout.TailContent,
            ManifestLength: room,
            ContentOffset: output.HeadLength,
            contentEnd,
            reportOffset,
            reportLength,
            reportJson.Length,
            indexOffset,
            indexOffset + index.DirectoryOffset,
            index.CompressedLength,
            index.Length,
            index.Crc32C,
            content.Totals.Entries,
            content.Totals.ContentBytes,
            head.Crc32,
            ChunkCodec.Crc32Of(reportJson),
            output.PartCrc32C);
        AddTail(locator, manifest.CreatedAt, head.Crc32);
        output.Finish(head.Bytes);
        return Crc32C.Of(head.Bytes);
    }

    private long Here => output.HeadLength + output.Length;

    private void AddTail(Locator locator, DateTimeOffset at, uint headCrc32)
    {
        var tail = new byte[ArchiveLayout.TailContent];
        TarHeader.Write(OwnEntry(ArchiveLayout.LocatorName, TarFormat.BlockLength, at)).CopyTo(tail, 0);
        locator.Write().CopyTo(tail, TarFormat.BlockLength);
        var stored = new byte[ArchiveLayout.TailLength + ArchiveLayout.TrailerLength];
        ArchiveLayout.WriteStored(tail, stored, isLast: true);

        crc32 = Crc32Combination.Combine(crc32, ChunkCodec.Crc32Of(tail), tail.Length);
        tarLength += tail.Length;
        var trailer = stored.AsSpan(ArchiveLayout.TailLength);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(trailer, Crc32Combination.Combine(headCrc32, crc32, tarLength));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], (uint)locator.TarLength);
        output.Append(stored);
    }

    /// <summary>The header of one of our own entries, behind what pads the entry before it.</summary>
    private void AddHeader(string name, long length, DateTimeOffset at)
    {
        Compress([.. gap, .. TarHeader.Write(OwnEntry(name, length, at))]);
        gap = new byte[TarFormat.Padding(length)];
    }

    /// <summary>Whole seconds, so that one block says it all.</summary>
    private static ArchiveEntry OwnEntry(string name, long length, DateTimeOffset at) =>
        new(name, EntryKind.File, length, OwnMode, 0, 0, UnixTime.From(at) with { Nanoseconds = 0 });

    private int Compress(ReadOnlySpan<byte> content)
    {
        var compressed = new byte[ChunkCodec.MaxCompressedLength(content.Length)];
        var (length, crc) = ChunkCodec.Compress(content, compressed, compressed.Length, level);
        output.Append(compressed.AsSpan(0, length));
        crc32 = Crc32Combination.Combine(crc32, crc, content.Length);
        tarLength += content.Length;
        return length;
    }

    private void Add(SpooledChunks chunks)
    {
        chunks.CopyTo(output);
        crc32 = Crc32Combination.Combine(crc32, chunks.Crc32, chunks.ContentLength);
        tarLength += chunks.ContentLength;
    }
}
