using System.Buffers.Binary;
using System.Text;

namespace BackupApi.Engines.LiteDb;

/// <summary>One index of a collection, and what was counted of it.</summary>
internal sealed class CollectionIndex
{
    public required string Name { get; init; }

    public required byte Slot { get; init; }

    public required bool IsUnique { get; init; }

    public required PageAddress Head { get; init; }

    public required PageAddress Tail { get; init; }

    public required uint FreeList { get; init; }

    /// <summary>Nodes found on its pages, head and tail included.</summary>
    public long NodesOnPages { get; set; }

    /// <summary>Nodes passed on the way from head to tail, both left out.</summary>
    public long Entries { get; set; }

    /// <summary>Documents that those nodes lead to: fewer than nodes where one document has several values.</summary>
    public long Documents { get; set; }
}

/// <summary>One collection: its page (CollectionPage.cs, CollectionIndex.cs), and what was counted of it.</summary>
internal sealed class Collection
{
    private const int DataListsAt = 32;
    private const int IndexCountAt = 96;
    private const int LongestName = 256;
    public const int DataListCount = 5;

    private readonly CollectionIndex?[] bySlot = new CollectionIndex?[256];

    /// <summary>Members that two sides must agree on, gathered page by page in whatever order they come.</summary>
    public SetHash DocumentIds;
    public SetHash IndexedIds;
    public SetHash ListedNodes;
    public SetHash SecondaryNodes;

    public required string Name { get; init; }

    public required uint Page { get; init; }

    /// <summary>Its number plus one, as the page table keeps it.</summary>
    public required ushort Number { get; init; }

    public uint[] DataLists { get; } = new uint[DataListCount];

    public List<CollectionIndex> Indexes { get; } = [];

    public long Documents { get; set; }

    public CollectionIndex? IndexAt(byte slot) => bySlot[slot];

    /// <summary>Reads the collection page; null with a finding when its content makes no sense.</summary>
    public static Collection? Parse(ReadOnlySpan<byte> page, string name, ushort number, string where, Findings findings)
    {
        var view = new PageView(page);
        var collection = new Collection { Name = name, Page = view.PageId, Number = number };
        for (var list = 0; list < DataListCount; list++)
        {
            collection.DataLists[list] = BinaryPrimitives.ReadUInt32LittleEndian(page[(DataListsAt + (4 * list))..]);
        }

        var rest = page[(IndexCountAt + 1)..];
        for (var i = 0; i < page[IndexCountAt]; i++)
        {
            if (ParseIndex(ref rest) is not { } index || collection.bySlot[index.Slot] is not null)
            {
                findings.Error(where, $"Index {i} of the collection {HeaderPage.Shown(name)} makes no sense.");
                return null;
            }

            collection.bySlot[index.Slot] = index;
            collection.Indexes.Add(index);
        }

        if (collection.bySlot[0] is not { Name: "_id", IsUnique: true })
        {
            findings.Error(where, $"The collection {HeaderPage.Shown(name)} has no _id index.");
            return null;
        }

        return collection;
    }

    private static CollectionIndex? ParseIndex(ref ReadOnlySpan<byte> rest)
    {
        const int AfterNames = 1 + (2 * PageAddress.Size) + 1 + 4;
        if (rest.Length < 2)
        {
            return null;
        }

        var (slot, type) = (rest[0], rest[1]);
        rest = rest[2..];
        if (type != 0 || Text(ref rest, LongestName) is not { Length: > 0 } name || Text(ref rest, PageFormat.Size) is not { Length: > 0 } || rest.Length < AfterNames || rest[0] > 1)
        {
            return null;
        }

        var index = new CollectionIndex
        {
            Slot = slot,
            Name = name,
            IsUnique = rest[0] == 1,
            Head = PageAddress.Read(rest[1..]),
            Tail = PageAddress.Read(rest[(1 + PageAddress.Size)..]),
            FreeList = BinaryPrimitives.ReadUInt32LittleEndian(rest[(AfterNames - 4)..]),
        };
        rest = rest[AfterNames..];
        return index;
    }

    private static string? Text(ref ReadOnlySpan<byte> rest, int longest)
    {
        var length = rest.IndexOf((byte)0);
        if (length < 0 || length > longest)
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(rest[..length]);
        rest = rest[(length + 1)..];
        return text;
    }
}
