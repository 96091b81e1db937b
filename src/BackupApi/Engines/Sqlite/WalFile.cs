using System.Buffers.Binary;
using BackupApi.Files;

namespace BackupApi.Engines.Sqlite;

/// <summary>How much of a write-ahead log is in use, read from outside (sqlite.org/fileformat2.html#walformat). The log carries no locks, so opening and closing it disturbs nobody.</summary>
internal static class WalFile
{
    private const int HeaderLength = 32;
    private const int FrameHeaderLength = 24;
    private const uint Magic = 0x377F0682; // its last bit: the order of the bytes in its sums
    private const int PageSizeOffset = 8;
    private const int SaltOffset = 16;
    private const int FrameSaltOffset = 8;

    /// <summary>The size of the pages in a log; null where there is none, or none of a size that can be.</summary>
    public static int? PageSizeOf(string path)
    {
        if (Posix.FindStat(path) is not { Kind: Model.FileKind.File, Size: >= HeaderLength })
        {
            return null;
        }

        using var file = Posix.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderLength];
        var isWhole = QuietCopy.ReadFully(file, header, 0) == HeaderLength && (BinaryPrimitives.ReadUInt32BigEndian(header) & ~1U) == Magic;
        return isWhole && BinaryPrimitives.ReadInt32BigEndian(header[PageSizeOffset..]) is >= 512 and <= 65536 and var size && int.IsPow2(size) ? size : null;
    }

    /// <summary>The generation of the log, which a restart after a checkpoint changes, and the bytes of its frames; null where there is no log that can be read.</summary>
    /// <remarks>The file keeps its size when it is begun anew; frames of the present generation carry its salts, and come before all older ones.</remarks>
    public static (ulong Salt, long Bytes)? Look(string path)
    {
        try
        {
            if (Posix.FindStat(path) is not { Kind: Model.FileKind.File, Size: >= HeaderLength } stat)
            {
                return null;
            }

            using var file = Posix.OpenRead(path);
            Span<byte> header = stackalloc byte[HeaderLength];
            if (RandomAccess.Read(file, header, 0) < HeaderLength)
            {
                return null;
            }

            var salt = BinaryPrimitives.ReadUInt64BigEndian(header[SaltOffset..]);
            long frame = FrameHeaderLength + Math.Max(512u, BinaryPrimitives.ReadUInt32BigEndian(header[PageSizeOffset..]));
            Span<byte> frameSalt = stackalloc byte[sizeof(ulong)];
            var (present, older) = (0L, ((stat.Size - HeaderLength) / frame) + 1);
            while (older - present > 1)
            {
                var middle = present + ((older - present) / 2);
                var isPresent = RandomAccess.Read(file, frameSalt, HeaderLength + ((middle - 1) * frame) + FrameSaltOffset) == frameSalt.Length
                    && BinaryPrimitives.ReadUInt64BigEndian(frameSalt) == salt;
                (present, older) = isPresent ? (middle, older) : (present, middle);
            }

            return (salt, present * frame);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
