namespace BackupApi.Archive.Format;

/// <summary>One page of the index: records that were compressed together.</summary>
/// <param name="Offset">Of its compressed bytes, from the start of the index's content.</param>
/// <param name="FirstName">Name of the segment that is open where the page starts, or of the first that begins in it.</param>
/// <param name="IsContinued">A segment of an earlier page goes on here.</param>
/// <param name="ChunkOffset">Where the first chunk recorded in it lies, from the start of the content region.</param>
internal sealed record IndexPage(long Offset, int CompressedLength, int Length, uint Crc32C, string FirstName, bool IsContinued, long ChunkOffset);

/// <summary>The list of pages: the last part of the index, small enough to be read whole.</summary>
internal static class IndexDirectory
{
    /// <summary>Records are put into pages of about this length.</summary>
    public const int PageLength = 64 * 1024;

    /// <summary>Most bytes of the directory that a reader accepts: about 40 TB of content. It is held in memory, twice over.</summary>
    public const int MaxLength = 32 << 20;

    /// <summary>Of the shortest page that can be listed.</summary>
    private const int MinRecord = 9;

    /// <summary>No deflate stream is shorter by more than this (RFC 1951: 258 bytes for two bits); every page but the last one holds <see cref="PageLength"/> at least.</summary>
    private const int MaxRatio = 1040;

    public static byte[] Write(IReadOnlyList<IndexPage> pages)
    {
        var to = new ByteWriter();
        to.Number((ulong)pages.Count);
        foreach (var page in pages)
        {
            to.Number((ulong)page.CompressedLength);
            to.Number((ulong)page.Length);
            to.Fixed32(page.Crc32C);
            to.Byte(page.IsContinued ? (byte)1 : (byte)0);
            to.Number((ulong)page.ChunkOffset);
            to.Name(page.FirstName);
        }

        return to.Written.ToArray();
    }

    /// <param name="pagesLength">Bytes that the compressed pages take together: what the directory may claim is bounded by what is really there.</param>
    /// <exception cref="FormatException">The bytes are no directory.</exception>
    public static IReadOnlyList<IndexPage> Read(ReadOnlySpan<byte> bytes, long pagesLength)
    {
        var from = new ByteReader(bytes);
        var count = (int)from.Number(Math.Min(bytes.Length / MinRecord, (pagesLength / (PageLength / MaxRatio)) + 1));
        var pages = new List<IndexPage>(count);
        long offset = 0;
        for (var i = 0; i < count; i++)
        {
            var compressed = (int)from.Number(ArchiveLayout.MaxChunkLength);
            var length = (int)from.Number(ArchiveLayout.MaxChunkLength);
            var crc = from.Fixed32();
            var isContinued = from.Byte() is var flag && flag <= 1 ? flag == 1 : throw new FormatException("A page has an unknown flag.");
            var chunkOffset = from.Number(long.MaxValue);
            if (compressed == 0 || (length < PageLength && i < count - 1))
            {
                throw new FormatException("A page is shorter than pages are.");
            }

            pages.Add(new IndexPage(offset, compressed, length, crc, from.Name(), isContinued, chunkOffset));
            offset += compressed;
        }

        return from.IsAtEnd && offset <= pagesLength ? pages : throw new FormatException("Bytes are left over.");
    }
}
