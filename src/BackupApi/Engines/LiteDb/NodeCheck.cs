namespace BackupApi.Engines.LiteDb;

/// <summary>One index node, read in place (IndexNode.cs).</summary>
internal readonly ref struct IndexNode
{
    private readonly ReadOnlySpan<byte> bytes;

    private IndexNode(ReadOnlySpan<byte> bytes, IndexKey key)
    {
        this.bytes = bytes;
        Key = key;
    }

    public byte Slot => bytes[0];

    public int Levels => bytes[1];

    public PageAddress DataBlock => PageAddress.Read(bytes[2..]);

    public PageAddress NextNode => PageAddress.Read(bytes[7..]);

    public IndexKey Key { get; }

    /// <summary>The key as stored, type byte first.</summary>
    public ReadOnlySpan<byte> KeyBytes => bytes[(PageFormat.NodeHeader + (Levels * PageFormat.NodeLevel))..];

    public PageAddress Prev(int level) => PageAddress.Read(bytes[(PageFormat.NodeHeader + (level * PageFormat.NodeLevel))..]);

    public PageAddress Next(int level) => PageAddress.Read(bytes[(PageFormat.NodeHeader + (level * PageFormat.NodeLevel) + PageAddress.Size)..]);

    /// <summary>Reads a segment as a node: levels within bounds, the key ending where the segment ends.</summary>
    public static bool TryRead(ReadOnlySpan<byte> segment, out IndexNode node)
    {
        node = default;
        if (segment.Length <= PageFormat.NodeHeader || segment[1] is 0 or > PageFormat.MaxLevels)
        {
            return false;
        }

        var keyAt = PageFormat.NodeHeader + (segment[1] * PageFormat.NodeLevel);
        if (segment.Length <= keyAt || !IndexKey.TryRead(segment[keyAt..], out var key))
        {
            return false;
        }

        node = new IndexNode(segment, key);
        return true;
    }
}

/// <summary>Every node of the index pages by itself, and the sets that must agree: <c>_id</c> keys with documents, the list of each document's nodes with the nodes there are.</summary>
internal sealed class NodeCheck(PageStore store, Findings findings)
{
    /// <summary>Checks all nodes of an index page whose segments are sound.</summary>
    public void Visit(uint number, PageView page, Collection collection)
    {
        for (var slot = 0; slot < page.SlotCount; slot++)
        {
            if (!page.TryGetSegment(slot, out var segment))
            {
                continue;
            }

            if (!IndexNode.TryRead(segment, out var node))
            {
                findings.Error(store.Where(number), $"Slot {slot} is not an index node: its levels or its key make no sense.");
            }
            else if (collection.IndexAt(node.Slot) is not { } index)
            {
                findings.Error(store.Where(number), $"The index node at slot {slot} belongs to no index of {HeaderPage.Shown(collection.Name)}.");
            }
            else
            {
                index.NodesOnPages++;
                var address = new PageAddress(number, (byte)slot);
                if (address != index.Head && address != index.Tail)
                {
                    Count(address, node, collection);
                }
            }
        }
    }

    private static void Count(PageAddress address, IndexNode node, Collection collection)
    {
        var block = node.DataBlock.Packed;
        if (node.Slot == 0)
        {
            collection.IndexedIds.Add(SetHash.Of(block, node.Key.Hash()));
        }
        else
        {
            collection.SecondaryNodes.Add(SetHash.Of(address.Packed, block));
        }

        if (!node.NextNode.IsEmpty)
        {
            collection.ListedNodes.Add(SetHash.Of(node.NextNode.Packed, block));
        }
    }
}
