namespace BackupApi.Engines.LiteDb;

/// <summary>The database as the engine would see it: each page from the log where a current image lies there, from the data file elsewhere.</summary>
internal sealed class PageStore : IDisposable
{
    /// <summary>Pages kept for random access: 20 MB, an index of 400,000 small keys.</summary>
    private const int CacheCapacity = 2560;
    private const int ChunkPages = 128;

    private readonly PageFile data;
    private readonly PageFile? log;
    private readonly string dataName;
    private readonly string logName;
    private readonly Dictionary<uint, int> cached = [];
    private readonly List<CacheSlot> slots = [];
    private int hand;

    public PageStore(PageFile data, string dataName, PageFile? log, string logName)
    {
        this.data = data;
        this.log = log;
        this.dataName = dataName;
        this.logName = logName;
    }

    public PageTable Table { get; } = new();

    public PageFile Data => data;

    public PageFile? Log => log;

    public string DataName => dataName;

    public string LogName => logName;

    /// <summary>Where to look for a page: file and page, and the image when it is the log's.</summary>
    public string Where(uint page) =>
        Table.Find(page).LogImage is var image and not 0 ? $"{logName} image {image - 1}, page {page}" : $"{dataName} page {page}";

    public bool Exists(uint page) => page < data.PageCount || Table.Find(page).LogImage != 0;

    /// <summary>The current image of a page that exists; valid until the next call.</summary>
    public ReadOnlySpan<byte> Get(uint page)
    {
        if (cached.TryGetValue(page, out var number))
        {
            slots[number].WasUsed = true;
            return slots[number].Bytes;
        }

        var slot = Free(out number);
        Load(page, slot.Bytes);
        slot.Page = page;
        slot.WasUsed = true;
        cached.Add(page, number);
        return slot.Bytes;
    }

    /// <summary>Shows every page once, in ascending order, blank ones included.</summary>
    public void Scan(ScanPage visit, CancellationToken ct)
    {
        var buffer = new byte[(int)Math.Clamp(data.PageCount, 1, ChunkPages) * PageFormat.Size];
        for (long first = 0; first < data.PageCount && first < PageFormat.NoPage; first += ChunkPages)
        {
            ct.ThrowIfCancellationRequested();
            var count = (int)Math.Min(ChunkPages, data.PageCount - first);
            data.Read(first, buffer.AsSpan(0, count * PageFormat.Size));
            for (var i = 0; i < count; i++)
            {
                var page = (uint)(first + i);
                var bytes = buffer.AsSpan(i * PageFormat.Size, PageFormat.Size);
                if (log is not null && Table.Find(page).LogImage is var image and not 0)
                {
                    log.Read(image - 1, bytes);
                }

                visit(page, bytes);
            }
        }

        foreach (var page in Table.InLogFrom(data.PageCount))
        {
            ct.ThrowIfCancellationRequested();
            Load(page, buffer.AsSpan(0, PageFormat.Size));
            visit(page, buffer.AsSpan(0, PageFormat.Size));
        }
    }

    public void Dispose()
    {
        data.Dispose();
        log?.Dispose();
    }

    private void Load(uint page, Span<byte> into)
    {
        if (log is not null && Table.Find(page).LogImage is var image and not 0)
        {
            log.Read(image - 1, into);
        }
        else
        {
            data.Read(page, into);
        }
    }

    /// <summary>A slot to load into: a new one up to the capacity, then the next not used since the clock's hand passed it.</summary>
    private CacheSlot Free(out int number)
    {
        if (slots.Count < CacheCapacity)
        {
            number = slots.Count;
            slots.Add(new CacheSlot());
            return slots[number];
        }

        while (slots[hand].WasUsed)
        {
            slots[hand].WasUsed = false;
            hand = (hand + 1) % CacheCapacity;
        }

        number = hand;
        hand = (hand + 1) % CacheCapacity;
        cached.Remove(slots[number].Page);
        return slots[number];
    }

    internal delegate void ScanPage(uint page, ReadOnlySpan<byte> bytes);

    private sealed class CacheSlot
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(PageFormat.Size);

        public uint Page { get; set; }

        public bool WasUsed { get; set; }
    }
}
