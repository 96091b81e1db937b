using System.Text;

namespace BackupApi.Tests.Engines.LiteDb;

internal sealed partial class TinyLite
{
    public const int MaxPayload = 8150;

    public TinyCollection AddCollection(string name, params (string Name, bool IsUnique)[] indexes)
    {
        var collection = new TinyCollection { Name = name, Page = NewPage(2, null) };
        Collections.Add(collection);
        foreach (var (index, unique) in indexes.Prepend(("_id", true)))
        {
            var added = new TinyIndex { Name = index, IsUnique = unique, Slot = (byte)collection.Indexes.Count, Current = NewPage(3, collection.Page) };
            added.Head = Insert(added.Current, Node(added.Slot, 32, Address.Nowhere, TinyKey.Min));
            added.Tail = Insert(added.Current, Node(added.Slot, 32, Address.Nowhere, TinyKey.Max));
            Link(added.Head, 0, next: added.Tail);
            Link(added.Tail, 0, previous: added.Head);
            collection.Indexes.Add(added);
            RelistIndex(collection, added, added.Current);
        }

        WriteCollection(collection);
        WriteHeader();
        return collection;
    }

    /// <summary>Adds a document; one key or more for each secondary index, in their order.</summary>
    public Address AddDocument(TinyCollection collection, TinyKey id, byte[] bson, params TinyKey[][] keys)
    {
        var first = AddBlocks(collection, bson);
        var last = AddNode(collection, collection.Indexes[0], id, first);
        for (var i = 0; i < keys.Length; i++)
        {
            foreach (var key in keys[i])
            {
                var node = AddNode(collection, collection.Indexes[i + 1], key, first);
                node.WriteTo(Segment(last)[7..]);
                last = node;
            }
        }

        collection.Documents[id.Order] = first;
        return first;
    }

    private Address AddBlocks(TinyCollection collection, byte[] bson)
    {
        var (first, previous) = (Address.Nowhere, Address.Nowhere);
        for (var at = 0; at < bson.Length; at += MaxPayload)
        {
            var payload = bson.AsSpan(at, Math.Min(MaxPayload, bson.Length - at));
            if (collection.Current == 0 || FreeBytes(Pages[collection.Current]) < payload.Length + 6 + 4 || Pages[collection.Current][23] >= 254)
            {
                collection.Current = NewPage(4, collection.Page);
            }

            var block = new byte[6 + payload.Length];
            block[0] = (byte)(at == 0 ? 0 : 1);
            Address.Nowhere.WriteTo(block.AsSpan(1));
            payload.CopyTo(block.AsSpan(6));
            var added = Insert(collection.Current, block);
            RelistData(collection, collection.Current);
            if (at == 0)
            {
                first = added;
            }
            else
            {
                added.WriteTo(Segment(previous)[1..]);
            }

            previous = added;
        }

        return first;
    }

    private Address AddNode(TinyCollection collection, TinyIndex index, TinyKey key, Address block)
    {
        var levels = 1;
        while (levels < 20 && random.Next(2) == 1)
        {
            levels++;
        }

        var bytes = Node(index.Slot, levels, block, key);
        if (FreeBytes(Pages[index.Current]) < bytes.Length + 4 || Pages[index.Current][23] >= 254)
        {
            index.Current = NewPage(3, collection.Page);
        }

        var at = Insert(index.Current, bytes);
        RelistIndex(collection, index, index.Current);
        var place = PlaceOf(index, key);

        for (var level = 0; level < levels; level++)
        {
            var before = Neighbour(index, place - 1, -1, level) ?? index.Head;
            var after = Neighbour(index, place, 1, level) ?? (level == 0 ? index.Tail : Address.Nowhere);
            Link(at, level, previous: before, next: after);
            Link(before, level, next: at);
            if (after != Address.Nowhere)
            {
                Link(after, level, previous: at);
            }
        }

        index.Nodes.Insert(place, new TinyNode(key, at, levels));
        index.Highest = Math.Max(index.Highest, levels);
        return at;
    }

    /// <summary>Behind the last node whose key is not larger.</summary>
    private static int PlaceOf(TinyIndex index, TinyKey key)
    {
        var (low, high) = (0, index.Nodes.Count);
        if (high == 0 || index.Nodes[high - 1].Key.Order.CompareTo(key.Order) <= 0)
        {
            return high;
        }

        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = index.Nodes[middle].Key.Order.CompareTo(key.Order) > 0 ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    private static Address? Neighbour(TinyIndex index, int from, int step, int level)
    {
        for (var i = from; level < index.Highest && i >= 0 && i < index.Nodes.Count; i += step)
        {
            if (index.Nodes[i].Levels > level)
            {
                return index.Nodes[i].At;
            }
        }

        return null;
    }

    public void Link(Address node, int level, Address? previous = null, Address? next = null)
    {
        var bytes = Segment(node)[(12 + (10 * level))..];
        previous?.WriteTo(bytes);
        next?.WriteTo(bytes[5..]);
    }

    private static byte[] Node(byte slot, int levels, Address block, TinyKey key)
    {
        var bytes = new byte[12 + (10 * levels) + key.Stored.Length];
        bytes[0] = slot;
        bytes[1] = (byte)levels;
        block.WriteTo(bytes.AsSpan(2));
        Address.Nowhere.WriteTo(bytes.AsSpan(7));
        for (var i = 0; i < 2 * levels; i++)
        {
            Address.Nowhere.WriteTo(bytes.AsSpan(12 + (5 * i)));
        }

        key.Stored.CopyTo(bytes, 12 + (10 * levels));
        return bytes;
    }

    private void RelistData(TinyCollection collection, uint number)
    {
        var free = FreeBytes(Pages[number]);
        var list = free >= 7344 ? 0 : free >= 6120 ? 1 : free >= 4896 ? 2 : free >= 2448 ? 3 : 4;
        var heads = collection.DataLists;
        Relist(number, list, slot => heads[slot], (slot, head) => heads[slot] = head, collection);
    }

    private void RelistIndex(TinyCollection collection, TinyIndex index, uint number) =>
        Relist(number, FreeBytes(Pages[number]) >= 1400 ? 0 : 1, slot => slot == 0 ? index.FreeList : None, (slot, head) => index.FreeList = slot == 0 ? head : index.FreeList, collection);

    private void Relist(uint number, int list, Func<int, uint> head, Action<int, uint> setHead, TinyCollection collection)
    {
        int old = Pages[number][13];
        if (old == list)
        {
            return;
        }

        var page = Change(number);
        var (previous, next) = (Get32(page, 5), Get32(page, 9));
        if (previous != None)
        {
            Put32(Change(previous), 9, next);
        }
        else if (old != 255 && head(old) == number)
        {
            setHead(old, next);
        }

        if (next != None)
        {
            Put32(Change(next), 5, previous);
        }

        var isListed = !(page[4] == 3 && list == 1);
        page[13] = (byte)list;
        Put32(page, 5, None);
        Put32(page, 9, isListed ? head(list) : None);
        if (isListed)
        {
            if (head(list) != None)
            {
                Put32(Change(head(list)), 5, number);
            }

            setHead(list, number);
        }

        WriteCollection(collection);
    }

    public void WriteCollection(TinyCollection collection)
    {
        var page = Change(collection.Page);
        Array.Clear(page, 32, PageSize - 32);
        for (var i = 0; i < 5; i++)
        {
            Put32(page, 32 + (4 * i), collection.DataLists[i]);
        }

        page[96] = (byte)collection.Indexes.Count;
        var at = 97;
        foreach (var index in collection.Indexes)
        {
            page[at] = index.Slot;
            at += 2;
            at += Encoding.UTF8.GetBytes(index.Name, page.AsSpan(at)) + 1;
            at += Encoding.UTF8.GetBytes($"$.{index.Name}", page.AsSpan(at)) + 1;
            page[at++] = (byte)(index.IsUnique ? 1 : 0);
            index.Head.WriteTo(page.AsSpan(at));
            index.Tail.WriteTo(page.AsSpan(at + 5));
            Put32(page, at + 11, index.FreeList);
            at += 15;
        }
    }
}
