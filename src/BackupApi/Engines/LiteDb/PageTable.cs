using System.Runtime.InteropServices;

namespace BackupApi.Engines.LiteDb;

/// <summary>What is remembered of each page after it was looked at: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct PageEntry
{
    /// <summary>Not looked at, or not there.</summary>
    public const byte Absent = 0;
    public const byte Blank = 1;

    /// <summary>There, but of no use: its own check failed, or its type is not known.</summary>
    public const byte Unusable = 2;

    /// <summary>Added to the page type of a page that passed its own check.</summary>
    public const byte FirstType = 16;

    /// <summary>Number of its current image in the log plus one; 0 when the data file's page is current.</summary>
    public int LogImage;
    public uint Prev;
    public uint Next;

    /// <summary>Number of the owning collection plus one; 0 for none.</summary>
    public ushort Collection;
    public byte State;
    public byte ListSlot;

    public readonly bool Is(byte pageType) => State == FirstType + pageType;
}

/// <summary>Entries by page number, kept in blocks so that memory follows the pages there are and not the numbers they claim.</summary>
internal sealed class PageTable
{
    private const int BlockBits = 6;
    private const int BlockSize = 1 << BlockBits;

    private readonly Dictionary<uint, PageEntry[]> blocks = [];
    private uint lastNumber = uint.MaxValue;
    private PageEntry[] lastBlock = [];

    /// <summary>The entry, made when there is none.</summary>
    public ref PageEntry this[uint page]
    {
        get
        {
            var number = page >> BlockBits;
            if (number != lastNumber)
            {
                ref var block = ref CollectionsMarshal.GetValueRefOrAddDefault(blocks, number, out _);
                lastBlock = block ??= new PageEntry[BlockSize];
                lastNumber = number;
            }

            return ref lastBlock[page & (BlockSize - 1)];
        }
    }

    /// <summary>A copy of the entry; that of an absent page when there is none.</summary>
    public PageEntry Find(uint page) =>
        blocks.TryGetValue(page >> BlockBits, out var block) ? block[page & (BlockSize - 1)] : default;

    /// <summary>Pages from <paramref name="first"/> on whose current image lies in the log, ascending.</summary>
    public IEnumerable<uint> InLogFrom(long first)
    {
        foreach (var number in blocks.Keys.Where(number => ((((long)number) + 1) << BlockBits) > first).Order().ToArray())
        {
            for (var i = 0; i < BlockSize; i++)
            {
                var page = (number << BlockBits) + (uint)i;
                if (page >= first && blocks[number][i].LogImage != 0)
                {
                    yield return page;
                }
            }
        }
    }

    /// <summary>Forgets which images of the log are current.</summary>
    public void ClearLogImages()
    {
        foreach (var block in blocks.Values)
        {
            foreach (ref var entry in block.AsSpan())
            {
                entry.LogImage = 0;
            }
        }
    }
}
