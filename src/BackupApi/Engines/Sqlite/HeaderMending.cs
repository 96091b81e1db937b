using System.Buffers.Binary;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.Sqlite;

/// <summary>Puts right in a copy of ours what the library asks of a header: it opens no file whose header is wrong, and none that ends before the last page its header counts.</summary>
internal static class HeaderMending
{
    private const int MostUsual = 4096;

    private static readonly int[] PageSizes = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

    /// <summary>What never varies, the page size and the versions. False where nothing of it was wrong, or the file is shorter than a header.</summary>
    public static bool Format(string copy)
    {
        using var file = Posix.Open(copy, OpenFlags.ReadWrite | OpenFlags.NoFollow);
        var head = new byte[SqliteHeader.Length];
        if (QuietCopy.ReadFully(file, head, 0) < head.Length)
        {
            return false;
        }

        var before = head.ToArray();
        if (SqliteHeader.Read(head) is not { HasPageSize: true })
        {
            SqliteHeader.SetPageSize(head, WalFile.PageSizeOf(copy + SideFiles.Wal) ?? PageSizeOf(file));
        }

        SqliteHeader.MendFormat(head);
        RandomAccess.Write(file, head, 0);
        return !head.AsSpan().SequenceEqual(before);
    }

    /// <summary>A count of more pages than there are: what is missing is missed page by page.</summary>
    public static void Count(string copy)
    {
        using var file = Posix.Open(copy, OpenFlags.ReadWrite | OpenFlags.NoFollow);
        var head = new byte[SqliteHeader.Length];
        if (QuietCopy.ReadFully(file, head, 0) == head.Length)
        {
            SqliteHeader.MendCount(head, RandomAccess.GetLength(file));
            RandomAccess.Write(file, head, 0);
        }
    }

    /// <summary>The smallest size at whose multiples about as large a share of pages begins like those of a tree as at any: at multiples of the true size it is no smaller.</summary>
    private static int PageSizeOf(SafeFileHandle file)
    {
        const int looks = 200;
        const double near = 0.8;
        var begin = new byte[8];
        double Share(int size)
        {
            var pages = (int)Math.Min(looks, (RandomAccess.GetLength(file) / size) - 1);
            return pages < 1 ? 0 : (double)Enumerable.Range(1, pages).Count(page => RandomAccess.Read(file, begin, (long)page * size) == begin.Length && MayBeginPage(begin, size)) / pages;
        }

        var best = PageSizes.Max(Share);
        return best == 0 ? MostUsual : PageSizes.First(size => Share(size) >= near * best);
    }

    /// <summary>The header of a page of a tree (sqlite.org/fileformat2.html, 1.6): kind, first free block, number of cells, start of their content, at most 60 bytes in fragments.</summary>
    private static bool MayBeginPage(ReadOnlySpan<byte> begin, int size)
    {
        var (free, cells) = (BinaryPrimitives.ReadUInt16BigEndian(begin[1..]), BinaryPrimitives.ReadUInt16BigEndian(begin[3..]));
        var content = BinaryPrimitives.ReadUInt16BigEndian(begin[5..]) is var start and not 0 ? start : 65536;
        return begin[0] is 2 or 5 or 10 or 13 && free < size && content <= size && 8 + (2 * cells) <= content && begin[7] <= 60;
    }
}
