using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BackupApi.Engines.LiteDb;

/// <summary>A set of page addresses as one bit for each slot: 32 bytes a page, in blocks of neighbours, so that memory follows the pages there are.</summary>
/// <remarks>A block takes 1 KB: mark only what lies on a page that exists, or addresses made up by a hostile file would take more memory than the file has bytes.</remarks>
internal sealed class SlotMarks
{
    private const int BlockBits = 5;
    private const int BlockSize = 1 << BlockBits;

    private readonly Dictionary<uint, Bits[]> blocks = [];

    /// <summary>Adds an address; false when it was there before.</summary>
    public bool Mark(PageAddress address)
    {
        ref var block = ref CollectionsMarshal.GetValueRefOrAddDefault(blocks, address.Page >> BlockBits, out _);
        block ??= new Bits[BlockSize];
        ref var word = ref block[address.Page & (BlockSize - 1)][address.Slot >> 6];
        var bit = 1UL << (address.Slot & 63);
        var isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }

    /// <summary>Forgets all members; the room is kept for the next ones.</summary>
    public void Clear()
    {
        foreach (var block in blocks.Values)
        {
            Array.Clear(block);
        }
    }

    /// <summary>How many members are not in <paramref name="other"/>, and the lowest page of one.</summary>
    public (long Count, uint FirstPage) NotIn(SlotMarks other)
    {
        var (count, first) = (0L, PageFormat.NoPage);
        foreach (var (number, block) in blocks)
        {
            var theirs = other.blocks.GetValueOrDefault(number);
            for (var i = 0; i < BlockSize; i++)
            {
                var missing = 0;
                for (var word = 0; word < 4; word++)
                {
                    missing += BitOperations.PopCount(block[i][word] & ~(theirs is null ? 0 : theirs[i][word]));
                }

                count += missing;
                first = missing > 0 ? Math.Min(first, (number << BlockBits) + (uint)i) : first;
            }
        }

        return (count, first);
    }

    /// <summary>256 bits, one for each slot.</summary>
    [InlineArray(4)]
    private struct Bits
    {
        private ulong word;
    }
}
