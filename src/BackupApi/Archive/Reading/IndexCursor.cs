using System.Globalization;
using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Goes through the index in the order of the archive, one page in memory at a time.</summary>
/// <remarks>Every record is checked for what a reader relies on: names are clean and ascend, chunks lie without a gap inside the content region.</remarks>
internal sealed class IndexCursor
{
    private readonly ArchiveFile file;
    private readonly Locator locator;
    private readonly IReadOnlyList<IndexPage> pages;
    private byte[] page = [];
    private int pageNumber;
    private int at;
    private long nextOffset;
    private string lastName = "";
    private int filesInSegment;
    private bool isPlaced;

    private IndexCursor(ArchiveFile file, IReadOnlyList<IndexPage> pages)
    {
        this.file = file;
        locator = file.Locator!;
        this.pages = pages;
    }

    /// <summary>At the first segment; null when the archive has no index, or one whose directory is damaged.</summary>
    public static IndexCursor? Open(ArchiveFile file) => file.FindPages() is { } pages ? new IndexCursor(file, pages) : null;

    /// <summary>Compressed offset, from the start of the content region, behind the last chunk that was read.</summary>
    public long NextChunkOffset => nextOffset;

    /// <summary>Moves to the next segment, which must follow the end of the one before; null at the end of the index.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>: the index is damaged.</exception>
    public IReadOnlyList<IndexedEntry>? NextSegment()
    {
        if (!FillPage())
        {
            return null;
        }

        return Guarded(() =>
        {
            var from = new ByteReader(page.AsSpan(at));
            if (from.Byte() != (byte)IndexTag.Begin)
            {
                throw new FormatException("A segment does not begin where it should.");
            }

            var entries = IndexRecords.ReadBegin(ref from);
            at = page.Length - from.Left;
            filesInSegment = Check(entries);
            return entries;
        });
    }

    /// <summary>The next chunk of the segment; null after its last.</summary>
    public ChunkRecord? NextChunk()
    {
        if (!FillPage())
        {
            throw Damaged("The index ends inside a segment.");
        }

        return Guarded<ChunkRecord?>(() =>
        {
            if (page[at] == (byte)IndexTag.End)
            {
                return null;
            }

            var from = new ByteReader(page.AsSpan(at));
            if (from.Byte() != (byte)IndexTag.Chunk)
            {
                throw new FormatException("A segment does not go on where it should.");
            }

            var chunk = IndexRecords.ReadChunk(ref from, nextOffset);
            at = page.Length - from.Left;
            nextOffset += chunk.CompressedLength;
            return chunk.CompressedLength > 0 && chunk.Length > 0 && nextOffset <= locator.ContentEnd - locator.ContentOffset
                ? chunk
                : throw new FormatException("A chunk lies outside the content.");
        });
    }

    /// <summary>SHA-256 of each file of the segment, in the order of its entries; to be asked after its last chunk.</summary>
    public IReadOnlyList<Sha256Value> EndSegment() => Guarded(() =>
    {
        var from = new ByteReader(page.AsSpan(at));
        if (from.Byte() != (byte)IndexTag.End)
        {
            throw new FormatException("A segment does not end where it should.");
        }

        var hashes = IndexRecords.ReadEnd(ref from);
        at = page.Length - from.Left;
        return hashes.Count == filesInSegment ? hashes : throw new FormatException("A segment has more or fewer hashes than files.");
    });

    /// <summary>Goes to the segment that would hold <paramref name="name"/>; the next one read may lie before or behind it.</summary>
    public void Seek(string name)
    {
        var (low, high) = (0, pages.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = EntryOrder.Instance.Compare(pages[middle].FirstName, name) <= 0 ? (middle + 1, high) : (low, middle);
        }

        var start = Math.Max(0, low - 1);
        StartAt(start);
        if (low == 0 || !pages[start].IsContinued || BeginsBehindContinued(name))
        {
            return;
        }

        // Back to the page in which the continued segment began.
        while (start > 0 && pages[start].IsContinued)
        {
            start--;
        }

        StartAt(start);
    }

    private void StartAt(int number)
    {
        pageNumber = number;
        page = [];
        at = 0;
        lastName = "";
        isPlaced = false;
    }

    /// <summary>Skips what is left of a continued segment in this page; whether the next one begins in it, and not behind the name.</summary>
    private bool BeginsBehindContinued(string name) => FillPage() && Guarded(() =>
    {
        while (at < page.Length)
        {
            var from = new ByteReader(page.AsSpan(at));
            switch ((IndexTag)from.Byte())
            {
                case IndexTag.Begin:
                    return IndexRecords.ReadBegin(ref from) is [var first, ..] && EntryOrder.Instance.Compare(first.Entry.Name, name) <= 0;
                case IndexTag.Chunk:
                    nextOffset += IndexRecords.ReadChunk(ref from, nextOffset).CompressedLength;
                    break;
                case IndexTag.End:
                    _ = IndexRecords.ReadEnd(ref from);
                    break;
                default:
                    throw new FormatException("A record is of an unknown kind.");
            }

            at = page.Length - from.Left;
        }

        return false;
    });

    private int Check(IReadOnlyList<IndexedEntry> entries)
    {
        var files = 0;
        foreach (var (entry, _) in entries)
        {
            if (entry.Name.Length == 0 || EntryName.Clean(entry.Name, isForeign: false) != entry.Name || EntryName.IsOwn(entry.Name)
                || (lastName.Length > 0 && EntryOrder.Instance.Compare(lastName, entry.Name) >= 0))
            {
                throw new FormatException($"The name '{EntryName.Short(entry.Name)}' is not where it may be.");
            }

            lastName = entry.Name;
            files += entry.Kind == EntryKind.File ? 1 : 0;
        }

        return files;
    }

    private bool FillPage()
    {
        while (at == page.Length)
        {
            if (pageNumber == pages.Count)
            {
                return false;
            }

            var next = pages[pageNumber++];
            var compressed = new byte[next.CompressedLength];
            var content = new byte[next.Length];
            var offset = locator.IndexOffset + next.Offset;
            if (!file.TryRead(compressed, offset) || Crc32C.Of(compressed) != next.Crc32C || !ChunkCodec.TryInflateUnchecked(compressed, content))
            {
                throw Damaged("A page of the index is damaged.", offset);
            }

            if (next.ChunkOffset > locator.ContentEnd - locator.ContentOffset)
            {
                throw Damaged("A page of the index leads outside of the content.", offset);
            }

            if (isPlaced && next.ChunkOffset != nextOffset)
            {
                throw Damaged("A page of the index does not go on where the one before ended.", offset);
            }

            (page, at) = (content, 0);
            nextOffset = next.ChunkOffset;
            isPlaced = true;
        }

        return true;
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is FormatException or BackupException { Fault: Fault.ArchiveHostile })
        {
            throw Damaged($"The index cannot be read: {e.Message}");
        }
    }

    private BackupException Damaged(string what, long? offset = null) =>
        ArchiveFaults.Damaged(what, $"{PathText.Show(ArchiveLayout.IndexName)}, archive offset {(offset ?? locator.IndexOffset + (pageNumber > 0 ? pages[pageNumber - 1].Offset : 0)).ToString(CultureInfo.InvariantCulture)}");
}
