namespace BackupApi.Engines.LiteDb;

/// <summary>The slot directory of a data or index page against the page's own counters (BasePage.cs).</summary>
internal sealed class SegmentCheck
{
    /// <summary>One bit for each byte of a page.</summary>
    private readonly ulong[] taken = new ulong[PageFormat.Size / 64];

    /// <summary>Null when the page's segments are sound, or the first thing that is wrong.</summary>
    public string? Check(PageView page)
    {
        if (page.ItemsCount == 0)
        {
            return page.HighestIndex == PageFormat.NoSlot && page.UsedBytes == 0 && page.FragmentedBytes == 0 && page.NextFreePosition == PageFormat.HeaderSize
                ? null
                : "The page holds no items, but its counters say otherwise.";
        }

        if (page.HighestIndex == PageFormat.NoSlot || page.SlotLength(page.HighestIndex) == 0)
        {
            return $"The highest slot, {page.HighestIndex}, is not in use.";
        }

        Array.Clear(taken);
        var (used, items, last) = (0, 0, 0);
        for (var slot = 0; slot < page.SlotCount; slot++)
        {
            var (position, length) = (page.SlotPosition(slot), page.SlotLength(slot));
            if (position == 0 && length == 0)
            {
                continue;
            }

            if (length == 0 || position < PageFormat.HeaderSize || position + length > page.FooterStart)
            {
                return $"Slot {slot} points to {length} bytes at {position}, outside the page's content.";
            }

            if (!Take(position, length))
            {
                return $"Slot {slot} overlaps another one.";
            }

            used += length;
            items++;
            last = Math.Max(last, position + length);
        }

        return items != page.ItemsCount ? $"The page holds {items} items and states {page.ItemsCount}."
            : used != page.UsedBytes ? $"The page holds {used} bytes and states {page.UsedBytes}."
            : page.NextFreePosition != PageFormat.HeaderSize + page.UsedBytes + page.FragmentedBytes ? "The page's free position does not follow from its used and fragmented bytes."
            : last > page.NextFreePosition ? "A segment lies beyond the page's free position."
            : null;
    }

    /// <summary>Marks a range of bytes; false when one of them was marked before.</summary>
    private bool Take(int position, int length)
    {
        var (word, end) = (position / 64, position + length);
        for (var at = position; at < end; word++)
        {
            var from = at % 64;
            var count = Math.Min(64 - from, end - at);
            var mask = (count == 64 ? ulong.MaxValue : (1UL << count) - 1) << from;
            if ((taken[word] & mask) != 0)
            {
                return false;
            }

            taken[word] |= mask;
            at += count;
        }

        return true;
    }
}
