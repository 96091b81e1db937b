using System.Buffers.Binary;

namespace BackupApi.Engines.LiteDb;

/// <summary>Compares what the documents say with what the indexes say. Only where the set hashes differ is each entry looked up, to name the page.</summary>
internal sealed class CrossCheck(PageStore store, IReadOnlyList<Collection> collections, Findings findings)
{
    /// <summary>Findings wanted of a search; then it ends.</summary>
    private const int Enough = 20;

    private readonly BsonWalk bson = new();
    private long steps;
    private int found;

    public void Run(CancellationToken ct)
    {
        var unequal = collections.Where(IsUnequal).ToHashSet();
        if (unequal.Count == 0)
        {
            return;
        }

        foreach (var collection in unequal)
        {
            var name = HeaderPage.Shown(collection.Name);
            if (!collection.DocumentIds.Equals(collection.IndexedIds))
            {
                findings.Error(store.Where(collection.Page), collection.DocumentIds.Count == collection.IndexedIds.Count
                    ? $"Documents of {name} and its _id index do not say the same."
                    : $"The collection {name} has {collection.DocumentIds.Count} whole documents and {collection.IndexedIds.Count} entries in its _id index.");
            }

            if (!collection.ListedNodes.Equals(collection.SecondaryNodes))
            {
                findings.Error(store.Where(collection.Page), $"The lists that join the index nodes of each document of {name} do not cover each node once.");
            }
        }

        // At most as many steps as there are nodes: a list that returns to itself ends the search.
        steps = collections.Sum(collection => collection.Indexes.Sum(index => index.NodesOnPages));
        store.Scan((number, bytes) => Locate(number, new PageView(bytes), unequal), ct);
    }

    private static bool IsUnequal(Collection collection) =>
        !collection.DocumentIds.Equals(collection.IndexedIds) || !collection.ListedNodes.Equals(collection.SecondaryNodes);

    private void Locate(uint number, PageView page, HashSet<Collection> unequal)
    {
        var entry = store.Table.Find(number);
        if (found >= Enough || !entry.Is(PageFormat.IndexPage) || entry.Collection == 0 || collections[entry.Collection - 1] is not { } collection || !unequal.Contains(collection))
        {
            return;
        }

        for (var slot = 0; slot < page.SlotCount && found < Enough; slot++)
        {
            var address = new PageAddress(number, (byte)slot);
            if (page.TryGetSegment(slot, out var segment) && IndexNode.TryRead(segment, out var node) && node.Slot == 0
                && address != collection.Indexes[0].Head && address != collection.Indexes[0].Tail
                && (WrongBlock(collection, node) ?? WrongList(collection, node)) is { } wrong)
            {
                found++;
                findings.Error(store.Where(number), $"The _id entry at slot {slot} of {HeaderPage.Shown(collection.Name)} {wrong}.");
            }
        }
    }

    private string? WrongBlock(Collection collection, IndexNode node)
    {
        var at = node.DataBlock;
        if (!TrySegment(at, PageFormat.DataPage, collection, out var block) || block.Length < PageFormat.BlockHeader || block[0] != 0)
        {
            return $"leads to {at}, where no document begins";
        }

        // The _id of a document of several blocks is not looked up here: its bytes were checked where it was assembled.
        var bytes = block[PageFormat.BlockHeader..];
        var stated = bytes.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return stated >= 5 && stated <= bytes.Length && bson.Walk(bytes[..stated]) is null
            && bson.IdType != 0 && IndexKey.HashOfBson(bson.IdType, bytes[bson.IdValue]) != node.Key.Hash()
            ? $"leads to {at}, whose document has another _id"
            : null;
    }

    private string? WrongList(Collection collection, IndexNode start)
    {
        var (block, next) = (start.DataBlock, start.NextNode);
        while (!next.IsEmpty && steps-- > 0)
        {
            if (!TrySegment(next, PageFormat.IndexPage, collection, out var segment) || !IndexNode.TryRead(segment, out var node) || node.Slot == 0)
            {
                return $"lists {next}, which is no other index node";
            }

            if (node.DataBlock != block)
            {
                return $"lists {next}, which belongs to another document";
            }

            next = node.NextNode;
        }

        return steps < 0 ? "starts a list that does not end" : null;
    }

    private bool TrySegment(PageAddress at, byte type, Collection collection, out ReadOnlySpan<byte> segment)
    {
        segment = default;
        if (at.IsEmpty || !store.Exists(at.Page))
        {
            return false;
        }

        var page = new PageView(store.Get(at.Page));
        return page.Type == type && page.Collection == collection.Page && page.TryGetSegment(at.Slot, out segment);
    }
}
