using System.Buffers.Binary;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.Sqlite;

/// <summary>Finds the end of a damaged place in a table: leaf by leaf, as the pages above the leaves tell where each begins.</summary>
/// <param name="root">Number of the table's root page.</param>
internal sealed class RowGap(SafeFileHandle file, int pageSize, long root)
{
    /// <summary>A tree of 2³² pages is not deeper; a loop is.</summary>
    private const int MostLevels = 20;

    private const byte InnerTable = 5;
    private const int HeaderOfFirstPage = 100;
    private const int CellCountAt = 3;      // u16
    private const int RightChildAt = 8;     // u32
    private const int CellPointersAt = 12;  // u16 for each cell; each cell is its left child, u32, and the greatest rowid below that, a varint
    private const int MaxVarint = 9;

    public SafeFileHandle File => file;

    private readonly byte[] page = new byte[pageSize];

    /// <summary>A start behind a rowid whose leaf does not stand, from which a row can be reached again; null when there is none.</summary>
    /// <param name="isLate">True ends the search: pages made for it could make it last for ever.</param>
    public long? FirstReadableBehind(RowCopy rows, long hole, Func<bool> isLate, CancellationToken ct)
    {
        // Each turn leaves one leaf, or more where a page above them does not stand: the ends ascend.
        for (var leafEnd = EndOfLeaf(hole); leafEnd is { } end && end < long.MaxValue && !isLate(); leafEnd = EndOfLeaf(end + 1))
        {
            ct.ThrowIfCancellationRequested();
            switch (rows.Reach(end + 1).Reached)
            {
                case RowReach.Row:
                    return end + 1;
                case RowReach.End:
                    return null;
                default:
                    break;
            }
        }

        return null;
    }

    /// <summary>True for a rowid that neither the leaf of the one before it can hold nor the next: it is altered.</summary>
    /// <param name="leafEnd">The greatest that the leaf of the one before it can hold.</param>
    public bool IsTooHigh(long rowId, long before, out long leafEnd)
    {
        leafEnd = EndOfLeaf(before + 1) ?? long.MaxValue;
        return leafEnd < rowId && EndOfLeaf(leafEnd + 1) < rowId;
    }

    /// <summary>The greatest rowid that the leaf of <paramref name="rowId"/> can hold, as far down as pages stand; null for the last leaf.</summary>
    private long? EndOfLeaf(long rowId)
    {
        long? end = null;
        var at = root;
        for (var level = 0; level < MostLevels; level++)
        {
            var start = at == 1 ? HeaderOfFirstPage : 0;
            if (at < 1 || QuietCopy.ReadFully(file, page, (at - 1) * pageSize) < pageSize || page[start] != InnerTable)
            {
                break;
            }

            var cells = BinaryPrimitives.ReadUInt16BigEndian(page.AsSpan(start + CellCountAt));
            at = BinaryPrimitives.ReadUInt32BigEndian(page.AsSpan(start + RightChildAt));
            for (var i = 0; i < cells && start + CellPointersAt + (2 * i) + 2 <= pageSize; i++)
            {
                var cell = BinaryPrimitives.ReadUInt16BigEndian(page.AsSpan(start + CellPointersAt + (2 * i)));
                if (cell + 5 <= pageSize && Varint(page.AsSpan(cell + 4)) is { } key && key >= rowId)
                {
                    at = BinaryPrimitives.ReadUInt32BigEndian(page.AsSpan(cell));
                    end = end is { } known && known < key ? known : key;
                    break;
                }
            }
        }

        return end;
    }

    /// <summary>Big-endian, seven bits a byte, eight in the ninth; null when the page ends inside it.</summary>
    private static long? Varint(ReadOnlySpan<byte> bytes)
    {
        var value = 0UL;
        for (var i = 0; i < MaxVarint; i++)
        {
            if (i == bytes.Length)
            {
                return null;
            }

            if (i == MaxVarint - 1)
            {
                return (long)((value << 8) | bytes[i]);
            }

            value = (value << 7) | (bytes[i] & 0x7FU);
            if (bytes[i] < 0x80)
            {
                return (long)value;
            }
        }

        return null;
    }
}
