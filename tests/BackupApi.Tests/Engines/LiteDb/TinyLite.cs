using System.Buffers.Binary;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Writes LiteDB v5 pages from the description of the format alone: shares no code with the product, so that one misunderstanding cannot pass on both sides.</summary>
/// <remarks>Pages live in memory; changed ones are gathered until <see cref="TakeTransaction"/> gives their images for the log.</remarks>
internal sealed partial class TinyLite
{
    public const int PageSize = 8192;
    public const uint None = uint.MaxValue;

    private readonly Random random;
    private readonly HashSet<uint> dirty = [];

    public TinyLite(int seed = 1)
    {
        random = new Random(seed);
        Pages[0] = new byte[PageSize];
        WriteHeader();
    }

    public Dictionary<uint, byte[]> Pages { get; } = [];

    public uint LastPage { get; private set; }

    public uint FirstEmpty { get; private set; } = None;

    public List<TinyCollection> Collections { get; } = [];

    /// <summary>The data file with every page in its place.</summary>
    public byte[] ToFile()
    {
        var file = new byte[(LastPage + 1) * PageSize];
        foreach (var (number, page) in Pages)
        {
            page.CopyTo(file, number * PageSize);
        }

        dirty.Clear();
        return file;
    }

    /// <summary>Images of the pages changed since the last call, ready for the log; the header, when it changed, comes last. The last image confirms.</summary>
    public List<byte[]> TakeTransaction(uint id, bool isConfirmed = true)
    {
        var images = new List<byte[]>();
        foreach (var number in dirty.OrderBy(number => number == 0 ? uint.MaxValue : number))
        {
            var image = (byte[])Pages[number].Clone();
            Put32(image, 14, id);
            images.Add(image);
        }

        if (isConfirmed)
        {
            images[^1][18] = 1;
        }

        dirty.Clear();
        return images;
    }

    public byte[] Change(uint page)
    {
        dirty.Add(page);
        return Pages[page];
    }

    /// <summary>Makes a page Empty and puts it on the header's list, as the engine does with pages it no longer needs.</summary>
    public void Free(uint number)
    {
        var page = Change(number);
        Array.Clear(page, 4, PageSize - 4);
        Put32(page, 5, None);
        Put32(page, 9, FirstEmpty);
        page[13] = 255;
        Put32(page, 14, None);
        Put32(page, 19, None);
        Put16(page, 28, 32);
        page[30] = 255;
        FirstEmpty = number;
        WriteHeader();
    }

    public uint NewPage(byte type, uint? collection)
    {
        var number = ++LastPage;
        var page = Pages[number] = new byte[PageSize];
        Put32(page, 0, number);
        page[4] = type;
        Put32(page, 5, None);
        Put32(page, 9, None);
        page[13] = 255;
        Put32(page, 14, None);
        Put32(page, 19, collection ?? number);
        Put16(page, 28, 32);
        page[30] = 255;
        dirty.Add(number);
        WriteHeader();
        return number;
    }

    public static int FreeBytes(byte[] page) => PageSize - 32 - Get16(page, 24) - (page[30] == 255 ? 0 : (page[30] + 1) * 4);

    /// <summary>Appends a segment to a page that has room for it.</summary>
    public Address Insert(uint number, ReadOnlySpan<byte> segment)
    {
        var page = Change(number);
        var slot = page[30] == 255 ? 0 : page[30] + 1;
        int position = Get16(page, 28);
        segment.CopyTo(page.AsSpan(position));
        Put16(page, PageSize - (4 * (slot + 1)), (ushort)segment.Length);
        Put16(page, PageSize - (4 * (slot + 1)) + 2, (ushort)position);
        page[23]++;
        Put16(page, 24, (ushort)(Get16(page, 24) + segment.Length));
        Put16(page, 28, (ushort)(position + segment.Length));
        page[30] = (byte)slot;
        return new Address(number, (byte)slot);
    }

    /// <summary>The bytes of a segment, for changing in place.</summary>
    public Span<byte> Segment(Address at)
    {
        var page = Change(at.Page);
        var entry = PageSize - (4 * (at.Slot + 1));
        return page.AsSpan(Get16(page, entry + 2), Get16(page, entry));
    }

    public void WriteHeader()
    {
        var page = Change(0);
        Array.Clear(page);
        page[4] = 1;
        Put32(page, 5, None);
        Put32(page, 9, None);
        page[13] = 255;
        Put32(page, 14, None);
        Put32(page, 19, None);
        Put16(page, 28, 32);
        page[30] = 255;
        "** This is a LiteDB file **"u8.CopyTo(page.AsSpan(32));
        page[59] = 8;
        Put32(page, 60, FirstEmpty);
        Put32(page, 64, LastPage);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(68), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc).Ticks);
        Put32(page, 80, 127);
        Put32(page, 84, 1);
        Put32(page, 88, 60);
        Put32(page, 97, 1000);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(101), long.MaxValue);
        var names = new TinyBson();
        foreach (var collection in Collections)
        {
            names.Int32(collection.Name, (int)collection.Page);
        }

        names.ToArray().CopyTo(page, 192);
    }

    public static ushort Get16(byte[] page, int at) => BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(at));

    public static uint Get32(byte[] page, int at) => BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(at));

    public static void Put16(byte[] page, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(at), value);

    public static void Put32(byte[] page, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(at), value);
}

/// <summary>Page and slot, five bytes on disk.</summary>
internal readonly record struct Address(uint Page, byte Slot)
{
    public static readonly Address Nowhere = new(uint.MaxValue, 255);

    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Page);
        bytes[4] = Slot;
    }
}
