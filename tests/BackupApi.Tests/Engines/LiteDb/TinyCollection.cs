namespace BackupApi.Tests.Engines.LiteDb;

internal sealed record TinyNode(TinyKey Key, Address At, int Levels);

internal sealed class TinyIndex
{
    public required string Name { get; init; }

    public required bool IsUnique { get; init; }

    public required byte Slot { get; init; }

    public Address Head { get; set; }

    public Address Tail { get; set; }

    public uint FreeList { get; set; } = TinyLite.None;

    public uint Current { get; set; }

    /// <summary>In the order of the index, head and tail left out.</summary>
    public List<TinyNode> Nodes { get; } = [];

    public int Highest { get; set; }
}

internal sealed class TinyCollection
{
    public required string Name { get; init; }

    public required uint Page { get; init; }

    public List<TinyIndex> Indexes { get; } = [];

    public uint[] DataLists { get; } = [TinyLite.None, TinyLite.None, TinyLite.None, TinyLite.None, TinyLite.None];

    public uint Current { get; set; }

    public Dictionary<object, Address> Documents { get; } = [];
}
