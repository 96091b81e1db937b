using System.Buffers.Binary;
using System.Collections;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.Sqlite;

/// <summary>Walks the inner pages of every b-tree before the library's own check does.</summary>
/// <remarks>
/// integrity_check follows child pointers by recursion without a bound: a file of some megabytes that is one long chain of inner pages overflows
/// the stack (SQLite 3.40.1) and takes the process with it. A tree has at most 20 levels (BTCURSOR_MAX_DEPTH in btreeInt.h; deeper ones the library
/// itself calls corrupt) and no page has two parents: where both hold, the recursion is shallow.
/// Memory: one bit and, for the widest level, four bytes a page.
/// </remarks>
internal sealed class TreeShape(SafeFileHandle file, string name, int pageSize, int pages)
{
    private const int MostLevels = 20;
    private const byte InnerIndex = 2;
    private const byte InnerTable = 5;
    private const int HeaderOfFirstPage = 100;
    private const int CellCountAt = 3;      // u16
    private const int RightChildAt = 8;     // u32
    private const int CellPointersAt = 12;  // u16 for each cell; each cell begins with its left child, u32

    private readonly BitArray seen = new(pages + 1);
    private readonly byte[] page = new byte[pageSize];

    /// <param name="roots">Root pages of all tables and indexes; page 1 is added.</param>
    /// <returns>What is wrong, or null when every tree is shallow and no page has two parents.</returns>
    public Finding? FindFault(IEnumerable<long> roots, CancellationToken ct)
    {
        var level = roots.Prepend(1).Where(root => root >= 1 && root <= pages).Distinct().Select(root => (int)root).ToList();
        level.ForEach(root => seen[root] = true);
        for (var depth = 1; level.Count > 0; depth++)
        {
            if (depth > MostLevels)
            {
                return new Finding($"{name} page {level[0]}", $"Page {level[0]} lies {depth} levels deep; a tree has {MostLevels} at most.");
            }

            var next = new List<int>();
            foreach (var parent in level)
            {
                ct.ThrowIfCancellationRequested();
                if (AddChildren(parent, next) is { } twice)
                {
                    return new Finding($"{name} page {twice}", $"Page {twice} belongs to two trees or has two parents, one of them page {parent}.");
                }
            }

            level = next;
        }

        return null;
    }

    /// <returns>A child that was met before, or null.</returns>
    private int? AddChildren(int parent, List<int> next)
    {
        var at = (long)(parent - 1) * pageSize;
        var start = parent == 1 ? HeaderOfFirstPage : 0;
        if (RandomAccess.Read(file, page.AsSpan(0, start + CellPointersAt), at) < start + CellPointersAt
            || page[start] is not (InnerIndex or InnerTable)
            || RandomAccess.Read(file, page, at) < pageSize)
        {
            return null;
        }

        var cells = BinaryPrimitives.ReadUInt16BigEndian(page.AsSpan(start + CellCountAt));
        for (var i = -1; i < cells; i++)
        {
            var pointerAt = start + CellPointersAt + (2 * i);
            if (pointerAt + 2 > pageSize)
            {
                break;
            }

            var cellAt = i < 0 ? start + RightChildAt : BinaryPrimitives.ReadUInt16BigEndian(page.AsSpan(pointerAt));
            if (cellAt + 4 > pageSize || BinaryPrimitives.ReadUInt32BigEndian(page.AsSpan(cellAt)) is var child && (child < 1 || child > pages))
            {
                continue;
            }

            var number = (int)child;
            if (seen[number])
            {
                return number;
            }

            seen[number] = true;
            next.Add(number);
        }

        return null;
    }
}
