using BackupApi.Archive.Tar;

namespace BackupApi.Archive.Format;

/// <summary>Where things lie in one of our archives; docs/ARCHIVE_FORMAT.md tells it in full.</summary>
/// <remarks><c>gzip header · manifest region (stored) · content chunks · own chunks (report, sums, index) · tail (stored) · CRC-32 · length</c></remarks>
internal static class ArchiveLayout
{
    /// <summary>Databases are cut at multiples of this, counted from the file's own start: they rewrite pages in place, and small chunks keep the rest.</summary>
    public const int ChunkLength = 64 * 1024;

    /// <summary>Other large files are cut at multiples of this: they are appended to or replaced, and longer chunks are smaller (measured on JSON lines: 2 % beside 128 KiB, 5 % beside 64 KiB).</summary>
    public const int PlainChunkLength = 256 * 1024;

    /// <summary>A file up to this size shares a chunk with its neighbours.</summary>
    public const int SmallFile = 48 * 1024;

    /// <summary>No chunk of any valid archive is longer, before or after compression: a bound for what a reader allocates.</summary>
    public const int MaxChunkLength = 1 << 20;

    /// <summary>Most bytes of one stored block (RFC 1951 3.2.4), and of its header: one byte, the length, its complement.</summary>
    public const int MaxStoredBlock = 65_535;
    public const int StoredBlockHeader = 5;

    public const int TrailerLength = 8;

    /// <summary>Header block and content block of the locator, and the two zero blocks that end a tar, in one stored block, before the trailer.</summary>
    public const int TailContent = 4 * TarFormat.BlockLength;
    public const int TailLength = StoredBlockHeader + TailContent;

    public const string IndexName = ".backup/index";
    public const string LocatorName = ".backup/locator";

    /// <summary>RFC 1952 2.3: deflate, no optional field, no time, no flags, Unix.</summary>
    public static ReadOnlySpan<byte> GzipHeader => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

    /// <summary>A final block that holds nothing (fixed codes, end of block): makes a complete deflate stream of any row of chunks.</summary>
    public static ReadOnlySpan<byte> EmptyFinalBlock => [0x03, 0x00];

    /// <summary>Bytes that content takes as stored blocks.</summary>
    public static int StoredLength(int length) => length + (StoredBlockHeader * Math.Max(1, (length + MaxStoredBlock - 1) / MaxStoredBlock));

    /// <summary>Writes content as stored blocks into <paramref name="target"/>, which must hold <see cref="StoredLength"/> bytes; begins and ends on a byte.</summary>
    public static int WriteStored(ReadOnlySpan<byte> content, Span<byte> target, bool isLast = false)
    {
        var written = 0;
        do
        {
            var length = Math.Min(content.Length, MaxStoredBlock);
            target[written] = isLast && length == content.Length ? (byte)1 : (byte)0;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(target[(written + 1)..], (ushort)length);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(target[(written + 3)..], (ushort)~length);
            content[..length].CopyTo(target[(written + StoredBlockHeader)..]);
            written += StoredBlockHeader + length;
            content = content[length..];
        }
        while (!content.IsEmpty);

        return written;
    }
}
