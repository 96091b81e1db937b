using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>The head of an archive: gzip header, and the manifest's entry in stored blocks, so that its length is known before its content is.</summary>
/// <remarks>The JSON is padded with spaces to the room kept for it. Stored, because compressed bytes of an unknown text have no known length.</remarks>
internal static class ManifestHead
{
    /// <summary>Bytes before the first content chunk.</summary>
    public static int Length(int room) => ArchiveLayout.GzipHeader.Length + ArchiveLayout.StoredLength(TarFormat.BlockLength + room);

    public static (byte[] Bytes, uint Crc32) Make(ReadOnlySpan<byte> json, int room, DateTimeOffset at)
    {
        var content = new byte[TarFormat.BlockLength + room];
        TarHeader.Write(new ArchiveEntry(Manifest.EntryName, EntryKind.File, room, 0x1A4 /* 0644 */, 0, 0, UnixTime.From(at) with { Nanoseconds = 0 })).CopyTo(content, 0);
        json.CopyTo(content.AsSpan(TarFormat.BlockLength));
        content.AsSpan(TarFormat.BlockLength + json.Length).Fill((byte)' ');

        var bytes = new byte[Length(room)];
        ArchiveLayout.GzipHeader.CopyTo(bytes);
        ArchiveLayout.WriteStored(content, bytes.AsSpan(ArchiveLayout.GzipHeader.Length));
        return (bytes, ChunkCodec.Crc32Of(content));
    }

    /// <summary>Takes the header block and the manifest out of a head. False when a single byte around them is not what <see cref="Make"/> writes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> head, Span<byte> content)
    {
        var blocks = head[ArchiveLayout.GzipHeader.Length..];
        for (var (from, to) = (0, 0); to < content.Length;)
        {
            var length = Math.Min(content.Length - to, ArchiveLayout.MaxStoredBlock);
            blocks.Slice(from + ArchiveLayout.StoredBlockHeader, length).CopyTo(content[to..]);
            from += ArchiveLayout.StoredBlockHeader + length;
            to += length;
        }

        var again = new byte[head.Length];
        ArchiveLayout.GzipHeader.CopyTo(again);
        ArchiveLayout.WriteStored(content, again.AsSpan(ArchiveLayout.GzipHeader.Length));
        return head.SequenceEqual(again);
    }
}
