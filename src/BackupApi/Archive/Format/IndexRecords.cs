using BackupApi.Model;

namespace BackupApi.Archive.Format;

/// <summary>An entry as the index tells it.</summary>
/// <param name="Fingerprint">Of the live file whose content this is, where it may be trusted later on; null where not.</param>
internal sealed record IndexedEntry(ArchiveEntry Entry, Fingerprint? Fingerprint);

/// <summary>One chunk: a piece of the tar that was compressed on its own.</summary>
/// <param name="Offset">Of its compressed bytes, from the start of the content region. Not stored: chunks lie without a gap.</param>
/// <param name="Crc32">Of its content, as gzip computes it.</param>
/// <param name="Crc32C">Of its compressed bytes.</param>
internal readonly record struct ChunkRecord(long Offset, int CompressedLength, int Length, uint Crc32, uint Crc32C, Sha256Value Sha256);

/// <summary>32 bytes by value, so that hundreds of thousands of them are no objects.</summary>
internal readonly record struct Sha256Value(ulong A, ulong B, ulong C, ulong D)
{
    public const int Length = 32;

    public static Sha256Value From(ReadOnlySpan<byte> bytes) => new(
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));

    public void CopyTo(Span<byte> bytes)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, A);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], B);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], C);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], D);
    }

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => $"{A:x16}{B:x16}{C:x16}{D:x16}";
}

/// <summary>What the first byte of an index record says.</summary>
internal enum IndexTag : byte
{
    /// <summary>A segment begins: its entries, without hashes.</summary>
    Begin = 1,

    /// <summary>The next chunk of the segment.</summary>
    Chunk = 2,

    /// <summary>The segment ends: number of its files and the SHA-256 of each, in their order.</summary>
    End = 3,
}

/// <summary>Record bytes of the index; docs/ARCHIVE_FORMAT.md lists the fields.</summary>
internal static class IndexRecords
{
    /// <summary>Most entries of one segment: a bound for a reader.</summary>
    public const int MaxSegmentEntries = 4096;

    private const byte HasFingerprint = 0x10;

    public static void WriteBegin(ByteWriter to, IReadOnlyList<IndexedEntry> entries)
    {
        to.Byte((byte)IndexTag.Begin);
        to.Number((ulong)entries.Count);
        foreach (var (entry, fingerprint) in entries)
        {
            to.Byte((byte)((byte)entry.Kind | (fingerprint is null ? 0 : HasFingerprint)));
            to.Name(entry.Name);
            to.Number(entry.Mode);
            to.Number(entry.Uid ?? 0);
            to.Number(entry.Gid ?? 0);
            to.Signed(entry.Modified.Seconds);
            to.Fixed32(entry.Modified.Nanoseconds);
            if (entry.Kind == EntryKind.File)
            {
                to.Number((ulong)entry.Size);
            }
            else if (entry.LinkTarget is { } target)
            {
                to.Name(target);
            }

            if (fingerprint is { } print)
            {
                to.Number(print.Device);
                to.Number(print.Inode);
                to.Signed(print.Changed.Seconds);
                to.Fixed32(print.Changed.Nanoseconds);
            }
        }
    }

    public static IReadOnlyList<IndexedEntry> ReadBegin(ref ByteReader from)
    {
        var count = (int)from.Number(MaxSegmentEntries);
        var entries = new List<IndexedEntry>(count);
        for (var i = 0; i < count; i++)
        {
            var head = from.Byte();
            var kind = (EntryKind)(head & 0x0F);
            if (kind > EntryKind.HardLink || (head & ~(0x0F | HasFingerprint)) != 0)
            {
                throw new FormatException("An entry is of an unknown kind.");
            }

            var name = from.Name();
            var mode = (uint)from.Number(0xFFF);
            var uid = (uint)from.Number(uint.MaxValue);
            var gid = (uint)from.Number(uint.MaxValue);
            var modified = Time(ref from);
            var size = kind == EntryKind.File ? from.Number(long.MaxValue - 1024) : 0;
            var target = kind is EntryKind.Symlink or EntryKind.HardLink ? from.Name() : null;
            var entry = new ArchiveEntry(name, kind, size, mode, uid, gid, modified, target);
            entries.Add(new IndexedEntry(entry, (head & HasFingerprint) == 0 ? null : new Fingerprint(from.Number(), from.Number(), size, modified, Time(ref from))));
        }

        return entries;
    }

    public static void WriteChunk(ByteWriter to, in ChunkRecord chunk)
    {
        Span<byte> hash = stackalloc byte[Sha256Value.Length];
        chunk.Sha256.CopyTo(hash);
        to.Byte((byte)IndexTag.Chunk);
        to.Number((ulong)chunk.CompressedLength);
        to.Number((ulong)chunk.Length);
        to.Fixed32(chunk.Crc32);
        to.Fixed32(chunk.Crc32C);
        to.Raw(hash);
    }

    public static ChunkRecord ReadChunk(ref ByteReader from, long offset) => new(
        offset,
        (int)from.Number(ArchiveLayout.MaxChunkLength),
        (int)from.Number(ArchiveLayout.MaxChunkLength),
        from.Fixed32(),
        from.Fixed32(),
        Sha256Value.From(from.Raw(Sha256Value.Length)));

    public static void WriteEnd(ByteWriter to, IReadOnlyCollection<Sha256Value> hashes)
    {
        Span<byte> bytes = stackalloc byte[Sha256Value.Length];
        to.Byte((byte)IndexTag.End);
        to.Number((ulong)hashes.Count);
        foreach (var hash in hashes)
        {
            hash.CopyTo(bytes);
            to.Raw(bytes);
        }
    }

    public static IReadOnlyList<Sha256Value> ReadEnd(ref ByteReader from)
    {
        var count = (int)from.Number(MaxSegmentEntries);
        var hashes = new List<Sha256Value>(count);
        for (var i = 0; i < count; i++)
        {
            hashes.Add(Sha256Value.From(from.Raw(Sha256Value.Length)));
        }

        return hashes;
    }

    private static UnixTime Time(ref ByteReader from) =>
        new(from.Signed(), from.Fixed32() is var nanoseconds && nanoseconds < 1_000_000_000 ? nanoseconds : throw new FormatException("A time has too many nanoseconds."));
}
