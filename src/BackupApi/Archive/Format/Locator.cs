using System.Buffers.Binary;
using BackupApi.Archive.Tar;

namespace BackupApi.Archive.Format;

/// <summary>The one block, at a fixed distance from the end of the archive, from which everything else is found. Offsets count from the start of the file.</summary>
/// <param name="FileLength">Of the whole archive.</param>
/// <param name="TarLength">Of the whole tar: the full number of which gzip keeps the lower 32 bits.</param>
/// <param name="ManifestLength">Length of the manifest's content, padding with spaces included; it lies in stored blocks behind the gzip header.</param>
/// <param name="ContentOffset">Where the content chunks begin.</param>
/// <param name="ContentEnd">Where they end and our own entries begin.</param>
/// <param name="ReportOffset">The chunks of the report's content.</param>
/// <param name="IndexOffset">The pages of the index.</param>
/// <param name="DirectoryOffset">The directory, behind the last page.</param>
/// <param name="DirectoryCrc32C">Of its compressed bytes.</param>
/// <param name="HeadCrc32">Of the manifest's header block and content.</param>
/// <param name="ReportCrc32">Of the report's content.</param>
/// <param name="EndCrc32C">Of the compressed bytes from <paramref name="ContentEnd"/> to the tail: finds a flip in the bits that inflating passes over.</param>
internal sealed record Locator(
    long FileLength,
    long TarLength,
    int ManifestLength,
    long ContentOffset,
    long ContentEnd,
    long ReportOffset,
    int ReportCompressedLength,
    int ReportLength,
    long IndexOffset,
    long DirectoryOffset,
    int DirectoryCompressedLength,
    int DirectoryLength,
    uint DirectoryCrc32C,
    long Entries,
    long ContentBytes,
    uint HeadCrc32,
    uint ReportCrc32,
    uint EndCrc32C)
{
    /// <summary>Raised when an older reader could misread the index.</summary>
    public const uint Version = 1;

    private const int HeadCrcOffset = 24 + (14 * 8);
    private const int ReportCrcOffset = HeadCrcOffset + sizeof(uint);
    private const int EndCrcOffset = ReportCrcOffset + sizeof(uint);
    private const int CrcOffset = TarFormat.BlockLength - sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "BackupApi index\n"u8;

    public byte[] Write()
    {
        var block = new byte[TarFormat.BlockLength];
        Magic.CopyTo(block);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(16), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(20), DirectoryCrc32C);
        ReadOnlySpan<long> numbers =
        [
            FileLength, TarLength, ManifestLength, ContentOffset, ContentEnd, ReportOffset, ReportCompressedLength, ReportLength,
            IndexOffset, DirectoryOffset, DirectoryCompressedLength, DirectoryLength, Entries, ContentBytes,
        ];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(24 + (8 * i)), numbers[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(HeadCrcOffset), HeadCrc32);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(ReportCrcOffset), ReportCrc32);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(EndCrcOffset), EndCrc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(CrcOffset), Crc32C.Of(block.AsSpan(0, CrcOffset)));
        return block;
    }

    /// <summary>A whole locator of a version that this reader does not know.</summary>
    public static bool IsOfLaterVersion(ReadOnlySpan<byte> block) =>
        block.StartsWith(Magic)
        && BinaryPrimitives.ReadUInt32LittleEndian(block[16..]) > Version
        && BinaryPrimitives.ReadUInt32LittleEndian(block[CrcOffset..]) == Crc32C.Of(block[..CrcOffset]);

    /// <summary>Null when the block is no locator, is of a version to come, or points outside a file of <paramref name="fileLength"/> bytes.</summary>
    public static Locator? Read(ReadOnlySpan<byte> block, long fileLength)
    {
        if (!block.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(block[16..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(block[CrcOffset..]) != Crc32C.Of(block[..CrcOffset]))
        {
            return null;
        }

        Span<long> n = stackalloc long[14];
        for (var i = 0; i < n.Length; i++)
        {
            n[i] = BinaryPrimitives.ReadInt64LittleEndian(block[(24 + (8 * i))..]);
        }

        var tail = fileLength - ArchiveLayout.TrailerLength - ArchiveLayout.TailLength;
        ReadOnlySpan<long> inOrder = [ArchiveLayout.GzipHeader.Length, n[3], n[4], n[5], n[8], n[9], tail];
        for (var i = 1; i < inOrder.Length; i++)
        {
            if (inOrder[i] < inOrder[i - 1])
            {
                return null;
            }
        }

        var isSane = n[0] == fileLength && n[1] > 0
            && n[2] is > 0 and <= ArchiveJson.MaxBytes && n[7] is > 0 and <= ArchiveJson.MaxBytes && n[6] is > 0 && n[5] + n[6] <= n[8]
            && n[10] is > 0 && n[9] + n[10] <= tail && tail - n[9] - n[10] <= 1024 && n[11] is > 0 and <= IndexDirectory.MaxLength && n[10] <= IndexDirectory.MaxLength
            && n[12] >= 0 && n[13] >= 0;
        return !isSane ? null : new Locator(n[0], n[1], (int)n[2], n[3], n[4], n[5], (int)n[6], (int)n[7], n[8], n[9], (int)n[10], (int)n[11], BinaryPrimitives.ReadUInt32LittleEndian(block[20..]), n[12], n[13],
            BinaryPrimitives.ReadUInt32LittleEndian(block[HeadCrcOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(block[ReportCrcOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(block[EndCrcOffset..]));
    }
}
