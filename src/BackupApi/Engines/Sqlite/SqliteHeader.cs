using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.Sqlite;

/// <summary>The first 100 bytes of a database file (sqlite.org/fileformat2.html, 1.3); integers are big-endian.</summary>
internal readonly record struct SqliteHeader(int PageSize, byte WriteVersion, byte ReadVersion, uint Pages, bool PagesAreValid, uint LibraryVersion)
{
    public const int Length = 100;

    /// <summary>Rollback journal; 2 is WAL.</summary>
    public const byte WalVersion = 2;

    private const int PageSizeAt = 16;         // u16: 512 to 32768, or 1 for 65536
    private const int WriteVersionAt = 18;     // u8: 1 rollback, 2 WAL
    private const int ReadVersionAt = 19;      // u8
    private const int ReservedAt = 20;         // u8: bytes at the end of each page that are not SQLite's
    private const int FractionsAt = 21;        // three u8, always 64, 32, 32
    private const int ChangeCounterAt = 24;    // u32
    private const int PagesAt = 28;            // u32, valid when the change counter equals the one at 92
    private const int SchemaCookieAt = 40;     // u32
    private const int ValidForAt = 92;         // u32
    private const int LibraryVersionAt = 96;   // u32: SQLITE_VERSION_NUMBER of the last writer

    /// <summary>Offset and length of what every commit changes: change counter, schema cookie, and the counter and library of the page count.</summary>
    public static (int At, int Length)[] CommitCounters { get; } = [(ChangeCounterAt, 4), (SchemaCookieAt, 4), (ValidForAt, 8)];

    private const int SmallestUsable = 480;

    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    private static ReadOnlySpan<byte> Fractions => [64, 32, 32];

    public bool IsWal => WriteVersion == WalVersion || ReadVersion == WalVersion;

    public bool HasMagic { get; private init; }

    /// <summary>True for a page size that SQLite can have.</summary>
    public bool HasPageSize => PageSize is >= 512 and <= 65536 && int.IsPow2(PageSize);

    /// <summary>The bytes of the header; fewer where the file is shorter.</summary>
    public static byte[] ReadBytes(SafeFileHandle file)
    {
        var head = new byte[Length];
        return head[..RandomAccess.Read(file, head, 0)];
    }

    /// <summary>Reads the header, whatever it holds; null when there are fewer than <see cref="Length"/> bytes.</summary>
    public static SqliteHeader? Read(ReadOnlySpan<byte> head)
    {
        if (head.Length < Length)
        {
            return null;
        }

        var pageSize = BinaryPrimitives.ReadUInt16BigEndian(head[PageSizeAt..]);
        var pages = BinaryPrimitives.ReadUInt32BigEndian(head[PagesAt..]);
        return new SqliteHeader(
            pageSize == 1 ? 65536 : pageSize,
            head[WriteVersionAt],
            head[ReadVersionAt],
            pages,
            pages != 0 && head.Slice(ChangeCounterAt, 4).SequenceEqual(head.Slice(ValidForAt, 4)),
            BinaryPrimitives.ReadUInt32BigEndian(head[LibraryVersionAt..]))
        {
            HasMagic = head.StartsWith(Magic),
        };
    }

    /// <param name="pageSize">One that SQLite can have.</param>
    public static void SetPageSize(Span<byte> head, int pageSize) => BinaryPrimitives.WriteUInt16BigEndian(head[PageSizeAt..], (ushort)(pageSize == 65536 ? 1 : pageSize));

    /// <summary>Puts right what never varies, a version that is not there yet, and reserved bytes that leave too little of a page.</summary>
    /// <param name="head">With a page size that SQLite can have.</param>
    public static void MendFormat(Span<byte> head)
    {
        Magic.CopyTo(head);
        Fractions.CopyTo(head[FractionsAt..]);
        foreach (var at in new[] { WriteVersionAt, ReadVersionAt })
        {
            head[at] = head[at] is 1 or WalVersion ? head[at] : (byte)1;
        }

        head[ReservedAt] = Read(head)!.Value.PageSize - head[ReservedAt] < SmallestUsable ? (byte)0 : head[ReservedAt];
    }

    /// <summary>Puts right a count of more pages than there are.</summary>
    public static void MendCount(Span<byte> head, long fileLength)
    {
        if (Read(head) is { HasPageSize: true } header && fileLength / header.PageSize is var whole && whole > 0 && whole < header.Pages)
        {
            BinaryPrimitives.WriteUInt32BigEndian(head[PagesAt..], (uint)whole);
        }
    }

    /// <summary>Whether these are the first bytes of a database, the magic whole or with a few bytes damaged.</summary>
    /// <remarks>A damaged magic must yield a damaged database, not a plain file that nobody checks. The fractions at 21 never vary.</remarks>
    public static bool IsDatabase(ReadOnlySpan<byte> head)
    {
        if (head.Length < Magic.Length)
        {
            return false;
        }

        var equal = 0;
        for (var i = 0; i < Magic.Length; i++)
        {
            equal += head[i] == Magic[i] ? 1 : 0;
        }

        return equal == Magic.Length
            || (equal >= Magic.Length - 4 && head.Length >= Length && head.Slice(FractionsAt, 3).SequenceEqual(Fractions));
    }
}
