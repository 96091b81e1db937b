using System.Buffers;
using System.Buffers.Binary;
using BackupApi.Files;

namespace BackupApi.Engines.Sqlite;

/// <summary>The files that lie beside a database and belong to it (sqlite.org/tempfiles.html).</summary>
internal static class SideFiles
{
    public const string Wal = "-wal";
    public const string Shm = "-shm";
    public const string Journal = "-journal";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789ABCDEFabcdef");

    /// <summary>First bytes of a journal that was not finished (sqlite.org/fileformat2.html, 3).</summary>
    private static ReadOnlySpan<byte> JournalMagic => [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7];

    /// <summary>A super-journal of a commit over several databases: the name of one of them, <c>-mj</c> and 9 hexadecimal digits.</summary>
    public static bool IsSuperJournal(ReadOnlySpan<char> suffix) =>
        suffix.Length == 12 && suffix.StartsWith("-mj", StringComparison.Ordinal) && !suffix[3..].ContainsAnyExcept(HexDigits);

    /// <summary>True when a journal exists and would be rolled back if its owner is gone: not empty, its first byte not zero.</summary>
    public static bool MayBeHot(string journal)
    {
        Span<byte> first = stackalloc byte[1];
        return Posix.FindStat(journal) is { Kind: Model.FileKind.File, Size: > 0 } && ReadAt(journal, first, 0) && first[0] != 0;
    }

    /// <summary>The super-journal that a journal names at its end; null when it names none.</summary>
    /// <param name="nameOffset">Where the name begins in the journal.</param>
    /// <remarks>End of the file: name, its length u32, its checksum u32 (the sum of its bytes), the journal's magic (pager.c, readSuperJournal).</remarks>
    public static string? FindSuperJournal(string journal, out long nameOffset)
    {
        const int TrailerLength = 16, LongestName = 4096;
        nameOffset = 0;
        var size = Posix.FindStat(journal)?.Size ?? 0;
        Span<byte> trailer = stackalloc byte[TrailerLength];
        if (size < TrailerLength || !ReadAt(journal, trailer, size - TrailerLength) || !trailer[8..].SequenceEqual(JournalMagic))
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(trailer);
        if (length is 0 or > LongestName || length > size - TrailerLength)
        {
            return null;
        }

        var name = new byte[length];
        nameOffset = size - TrailerLength - length;
        return ReadAt(journal, name, nameOffset) && (uint)name.Sum(b => (sbyte)b) == BinaryPrimitives.ReadUInt32BigEndian(trailer[4..])
            ? PathText.Decode(name)
            : null;
    }

    private static bool ReadAt(string path, Span<byte> into, long at)
    {
        using var file = Posix.OpenRead(path);
        return RandomAccess.Read(file, into, at) == into.Length;
    }
}
