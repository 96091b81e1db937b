namespace BackupApi.Engines.LiteDb;

/// <summary>Walks an index from head to tail on its lowest level; the upper levels are checked on the way, each node against the last one that reached as high.</summary>
internal sealed class IndexWalk(PageStore store, Collation collation, Findings findings)
{
    private const int LongestKey = PageFormat.Size;

    private readonly PageAddress[] last = new PageAddress[PageFormat.MaxLevels];
    private readonly PageAddress[] expected = new PageAddress[PageFormat.MaxLevels];
    private readonly SlotMarks documents = new();
    private readonly byte[] previousKey = new byte[LongestKey];

    public void Run(Collection collection, CollectionIndex index, CancellationToken ct)
    {
        documents.Clear();
        if (!TryRead(index.Head, collection, index, out var head) || !IsEnd(head, IndexKey.MinValue) || index.Head == index.Tail
            || !TryRead(index.Tail, collection, index, out var tail) || !IsEnd(tail, IndexKey.MaxValue))
        {
            Error(collection, index, index.Head, "its head or tail is missing or damaged");
            return;
        }

        _ = TryRead(index.Head, collection, index, out head);
        for (var level = 0; level < PageFormat.MaxLevels; level++)
        {
            last[level] = index.Head;
            expected[level] = head.Next(level);
            if (!head.Prev(level).IsEmpty)
            {
                Error(collection, index, index.Head, "something lies before its head");
                return;
            }
        }

        if (WalkNodes(collection, index, ct) && index.Entries + 2 != index.NodesOnPages)
        {
            Error(collection, index, index.Head, $"{index.Entries} nodes can be reached and {index.NodesOnPages - 2} lie on its pages");
        }
    }

    /// <summary>False when the chain broke, which is then a finding. Ends after as many steps as there are nodes.</summary>
    private bool WalkNodes(Collection collection, CollectionIndex index, CancellationToken ct)
    {
        var keyLength = 0;
        while (expected[0] != index.Tail)
        {
            var (from, at) = (last[0], expected[0]);
            if (index.Entries + 2 >= index.NodesOnPages)
            {
                Error(collection, index, from, "its chain does not end at its tail");
                return false;
            }

            if ((index.Entries & 0xFFFF) == 0)
            {
                ct.ThrowIfCancellationRequested();
            }

            if (!TryRead(at, collection, index, out var node))
            {
                Error(collection, index, from, store.Exists(at.Page) ? $"{at} is no node of it" : $"page {at.Page} is missing");
                return false;
            }

            if (!Relink(collection, index, at, node) || !CheckOrder(collection, index, at, node, previousKey.AsSpan(0, keyLength)))
            {
                return false;
            }

            node.KeyBytes.CopyTo(previousKey);
            keyLength = node.KeyBytes.Length;
            index.Entries++;
            if (store.Exists(node.DataBlock.Page) && documents.Mark(node.DataBlock))
            {
                index.Documents++;
            }
        }

        return CheckTail(collection, index);
    }

    private bool Relink(Collection collection, CollectionIndex index, PageAddress at, IndexNode node)
    {
        for (var level = 0; level < node.Levels; level++)
        {
            if (expected[level] != at || node.Prev(level) != last[level])
            {
                Error(collection, index, at, $"the links of slot {at.Slot} on level {level} do not mirror those of {last[level]}");
                return false;
            }

            last[level] = at;
            expected[level] = node.Next(level);
        }

        if (node.DataBlock.IsEmpty)
        {
            Error(collection, index, at, $"the node at slot {at.Slot} leads to no document");
        }

        return true;
    }

    private bool CheckOrder(Collection collection, CollectionIndex index, PageAddress at, IndexNode node, ReadOnlySpan<byte> previous)
    {
        if (node.Key.Type is IndexKey.MinValue or IndexKey.MaxValue)
        {
            // Legal in a secondary index; equal neighbours of this kind are told apart by nothing else.
            return true;
        }

        if (previous.IsEmpty || !IndexKey.TryRead(previous, out var before))
        {
            return true;
        }

        switch (KeyOrder.Compare(before, node.Key, collation))
        {
            case KeyRelation.Reversed:
                Error(collection, index, at, $"the key at slot {at.Slot} is smaller than the one before it");
                break;
            case KeyRelation.Equal when index.IsUnique:
                Error(collection, index, at, $"the key at slot {at.Slot} is there twice, and the index is unique");
                break;
            case KeyRelation.Doubtful:
                findings.Warn(store.Where(at.Page), $"In the index {Shown(collection, index)} the key at slot {at.Slot} seems smaller than the one before it.");
                break;
            default:
                break;
        }

        return true;
    }

    /// <summary>The tail's back links: on the lowest level the last node, on the others that node or nothing (the engine links them only when a node reaches so high).</summary>
    private bool CheckTail(Collection collection, CollectionIndex index)
    {
        if (!TryRead(index.Tail, collection, index, out var tail))
        {
            return false;
        }

        for (var level = 0; level < PageFormat.MaxLevels; level++)
        {
            var (next, back) = (expected[level], tail.Prev(level));
            var isOpen = level > 0 && (next.IsEmpty || next == index.Tail) && (back.IsEmpty || back == last[level]);
            if (!tail.Next(level).IsEmpty || !(isOpen || (next == index.Tail && back == last[level])))
            {
                Error(collection, index, index.Tail, $"its tail does not mirror the last node on level {level}");
                return false;
            }
        }

        return true;
    }

    private bool TryRead(PageAddress address, Collection collection, CollectionIndex index, out IndexNode node)
    {
        node = default;
        if (address.IsEmpty || !store.Exists(address.Page))
        {
            return false;
        }

        var page = new PageView(store.Get(address.Page));
        return page.Type == PageFormat.IndexPage && page.PageId == address.Page && page.Collection == collection.Page
            && page.TryGetSegment(address.Slot, out var segment) && IndexNode.TryRead(segment, out node) && node.Slot == index.Slot;
    }

    private static bool IsEnd(IndexNode node, byte key) =>
        node.Levels == PageFormat.MaxLevels && node.Key.Type == key && node.DataBlock.IsEmpty;

    private void Error(Collection collection, CollectionIndex index, PageAddress at, string what) =>
        findings.Error(at.IsEmpty ? store.DataName : store.Where(at.Page), $"The index {Shown(collection, index)} is broken: {what}.");

    private static string Shown(Collection collection, CollectionIndex index) => $"{HeaderPage.Shown(collection.Name)}.{HeaderPage.Shown(index.Name)}";
}
