using System.Buffers.Binary;

namespace BackupApi.Engines.LiteDb;

/// <summary>Offsets and limits of LiteDB file version 8 (LiteDB 5.0.1 and later). Integers are little-endian.</summary>
/// <remarks>From LiteDB's BasePage.cs, HeaderPage.cs, CollectionPage.cs, DataBlock.cs, IndexNode.cs and AesStream.cs.</remarks>
internal static class PageFormat
{
    public const int Size = 8192;
    public const uint NoPage = uint.MaxValue;

    public const int PageId = 0;
    public const int Type = 4;
    public const int PrevPage = 5;
    public const int NextPage = 9;
    public const int ListSlot = 13;
    public const int TransactionId = 14;
    public const int IsConfirmed = 18;
    public const int Collection = 19;
    public const int ItemsCount = 23;
    public const int UsedBytes = 24;
    public const int FragmentedBytes = 26;
    public const int NextFreePosition = 28;
    public const int HighestIndex = 30;

    /// <summary>The common header; segments begin here.</summary>
    public const int HeaderSize = 32;

    /// <summary>One entry of the slot directory, which grows down from the page's end: length, then position.</summary>
    public const int SlotSize = 4;

    public const byte NoSlot = 255;

    public const byte EmptyPage = 0;
    public const byte HeaderPage = 1;
    public const byte CollectionPage = 2;
    public const byte IndexPage = 3;
    public const byte DataPage = 4;

    /// <summary>Data block: extend flag, address of the next block, then payload.</summary>
    public const int BlockHeader = 6;

    /// <summary>2047 blocks of 8150 bytes: MAX_DOCUMENT_SIZE since 5.0.5, the largest of all versions.</summary>
    public const int MaxDocument = 2047 * 8150;

    /// <summary>Index node: slot, levels, data block, next node; then the links of each level; then the key.</summary>
    public const int NodeHeader = 12;
    public const int NodeLevel = 2 * PageAddress.Size;
    public const int MaxLevels = 32;

    /// <summary>A page whose first 16 bytes are zero was never written: the engine skips it.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> page) => page[..16].IndexOfAnyExcept((byte)0) < 0;
}

/// <summary>Where a segment lies: page and slot. <see cref="Empty"/> stands for "none".</summary>
internal readonly record struct PageAddress(uint Page, byte Slot)
{
    public const int Size = 5;

    public static readonly PageAddress Empty = new(PageFormat.NoPage, PageFormat.NoSlot);

    public bool IsEmpty => Page == PageFormat.NoPage && Slot == PageFormat.NoSlot;

    public ulong Packed => ((ulong)Page << 8) | Slot;

    public static PageAddress Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[4]);

    public override string ToString() => IsEmpty ? "nothing" : $"page {Page} slot {Slot}";
}

/// <summary>The fields of one page image, read in place. Bounds are checked where the bytes say them.</summary>
internal readonly ref struct PageView(ReadOnlySpan<byte> bytes)
{
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public uint PageId => U32(PageFormat.PageId);

    public byte Type => Bytes[PageFormat.Type];

    public uint PrevPage => U32(PageFormat.PrevPage);

    public uint NextPage => U32(PageFormat.NextPage);

    public byte ListSlot => Bytes[PageFormat.ListSlot];

    public uint TransactionId => U32(PageFormat.TransactionId);

    public byte IsConfirmed => Bytes[PageFormat.IsConfirmed];

    public uint Collection => U32(PageFormat.Collection);

    public int ItemsCount => Bytes[PageFormat.ItemsCount];

    public int UsedBytes => U16(PageFormat.UsedBytes);

    public int FragmentedBytes => U16(PageFormat.FragmentedBytes);

    public int NextFreePosition => U16(PageFormat.NextFreePosition);

    public byte HighestIndex => Bytes[PageFormat.HighestIndex];

    /// <summary>Slots in the directory, used and free: 0 to 255.</summary>
    public int SlotCount => HighestIndex == PageFormat.NoSlot ? 0 : HighestIndex + 1;

    /// <summary>First byte of the slot directory.</summary>
    public int FooterStart => PageFormat.Size - (SlotCount * PageFormat.SlotSize);

    public int SlotLength(int slot) => U16(PageFormat.Size - ((slot + 1) * PageFormat.SlotSize));

    public int SlotPosition(int slot) => U16(PageFormat.Size - ((slot + 1) * PageFormat.SlotSize) + 2);

    /// <summary>The bytes of a used slot; false when it is free, outside the directory, or points outside the page.</summary>
    public bool TryGetSegment(int slot, out ReadOnlySpan<byte> segment)
    {
        segment = default;
        if (slot >= SlotCount)
        {
            return false;
        }

        var (position, length) = (SlotPosition(slot), SlotLength(slot));
        if (length == 0 || position < PageFormat.HeaderSize || position + length > FooterStart)
        {
            return false;
        }

        segment = Bytes.Slice(position, length);
        return true;
    }

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[offset..]);

    private int U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes[offset..]);
}
