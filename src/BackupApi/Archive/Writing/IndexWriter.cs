using BackupApi.Archive.Format;

namespace BackupApi.Archive.Writing;

/// <summary>Gathers the records of the index into pages, each compressed by itself.</summary>
internal sealed class IndexWriter(string spoolPath, int level) : IDisposable
{
    private readonly SpooledChunks spool = new(spoolPath, level);
    private readonly List<IndexPage> pages = [];
    private readonly ByteWriter page = new();
    private string firstName = "";
    private string openName = "";
    private bool isContinued;
    private bool isOpen;
    private long pageChunkOffset;
    private long nextChunkOffset;

    public void Begin(IReadOnlyList<IndexedEntry> entries)
    {
        openName = entries[0].Entry.Name;
        isOpen = true;
        if (page.Length == 0)
        {
            StartPage(false);
        }

        IndexRecords.WriteBegin(page, entries);
        ClosePageIfFull();
    }

    public void Chunk(in ChunkRecord chunk)
    {
        if (page.Length == 0)
        {
            StartPage(true);
        }

        IndexRecords.WriteChunk(page, chunk);
        nextChunkOffset += chunk.CompressedLength;
        ClosePageIfFull();
    }

    public void End(IReadOnlyList<Sha256Value> hashes)
    {
        if (page.Length == 0)
        {
            StartPage(true);
        }

        IndexRecords.WriteEnd(page, hashes);
        isOpen = false;
        ClosePageIfFull();
    }

    public Mark MarkHere() => new(page.Written.ToArray(), pages.Count, spool.MarkHere(), firstName, isContinued, pageChunkOffset, nextChunkOffset);

    /// <summary>Forgets what was recorded since the mark, which was taken between two segments.</summary>
    public void Return(Mark mark)
    {
        page.Restore(mark.Page);
        pages.RemoveRange(mark.Pages, pages.Count - mark.Pages);
        spool.Return(mark.Spool);
        (firstName, isContinued, pageChunkOffset, nextChunkOffset) = (mark.FirstName, mark.IsContinued, mark.PageChunkOffset, mark.NextChunkOffset);
        isOpen = false;
    }

    /// <summary>Closes the last page and adds the directory.</summary>
    /// <returns>All compressed bytes; where in them the directory lies and how long it is.</returns>
    public (SpooledChunks Content, long DirectoryOffset, int CompressedLength, int Length, uint Crc32C) Finish()
    {
        ClosePage();
        var directory = IndexDirectory.Write(pages);
        var offset = spool.CompressedLength;
        var (length, crc) = spool.Add(directory);
        return (spool, offset, length, directory.Length, crc);
    }

    public void Dispose() => spool.Dispose();

    private void StartPage(bool continues)
    {
        System.Diagnostics.Debug.Assert(isOpen, "Records belong to a segment.");
        isContinued = continues;
        firstName = openName;
        pageChunkOffset = nextChunkOffset;
    }

    private void ClosePageIfFull()
    {
        if (page.Length >= IndexDirectory.PageLength)
        {
            ClosePage();
        }
    }

    private void ClosePage()
    {
        if (page.Length == 0)
        {
            return;
        }

        var offset = spool.CompressedLength;
        var length = page.Length;
        var (compressed, crc) = spool.Add(page.Written);
        pages.Add(new IndexPage(offset, compressed, length, crc, firstName, isContinued, pageChunkOffset));
        page.Clear();
    }

    internal readonly record struct Mark(byte[] Page, int Pages, SpooledChunks.Mark Spool, string FirstName, bool IsContinued, long PageChunkOffset, long NextChunkOffset);
}
