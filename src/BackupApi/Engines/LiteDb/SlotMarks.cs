using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BackupApi.Engines.LiteDb;

/// <summary>A set of page addresses as one bit for each slot: 32 bytes for each page that has a member.</summary>
internal sealed class SlotMarks
{
    private readonly Dictionary<uint, Bits> pages = [];

    /// <summary>Adds an address; false when it was there before.</summary>
    public bool Mark(PageAddress address)
    {
        ref var word = ref CollectionsMarshal.GetValueRefOrAddDefault(pages, address.Page, out _)[address.Slot >> 6];
        var bit = 1UL << (address.Slot & 63);
        var isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }

    public void Clear() => pages.Clear();

    /// <summary>How many members are not in <paramref name="other"/>, and the lowest page of one.</summary>
    public (long Count, uint FirstPage) NotIn(SlotMarks other)
    {
        var (count, first) = (0L, PageFormat.NoPage);
        foreach (var (page, bits) in pages)
        {
            var theirs = other.pages.GetValueOrDefault(page);
            var missing = 0;
            for (var i = 0; i < 4; i++)
            {
                missing += BitOperations.PopCount(bits[i] & ~theirs[i]);
            }

            count += missing;
            first = missing > 0 ? Math.Min(first, page) : first;
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
