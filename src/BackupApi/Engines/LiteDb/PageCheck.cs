namespace BackupApi.Engines.LiteDb;

/// <summary>Looks at every page once, in the order of the file, and fills the page table.</summary>
internal sealed class PageCheck(PageStore store, HeaderPage header, IReadOnlyList<Collection> collections, Findings findings)
{
    private readonly SegmentCheck segments = new();
    private readonly DocumentCheck documents = new(store, findings);
    private readonly NodeCheck nodes = new(store, findings);
    private readonly Dictionary<uint, Collection> byPage = collections.ToDictionary(collection => collection.Page);
    private readonly long[] pagesByType = new long[5];
    private long unwritten;
    private long orphans;
    private long beyond;
    private uint firstBeyond = PageFormat.NoPage;

    /// <summary>First page of a type that this version does not know; <see cref="PageFormat.NoPage"/> when there is none.</summary>
    public uint FirstUnknownType { get; private set; } = PageFormat.NoPage;

    public void Run(CancellationToken ct)
    {
        store.Scan(Visit, ct);
        documents.Finish();
        Report();
    }

    private void Visit(uint number, ReadOnlySpan<byte> bytes)
    {
        var page = new PageView(bytes);
        ref var entry = ref store.Table[number];
        if (PageFormat.IsBlank(bytes))
        {
            entry.State = PageEntry.Blank;
            unwritten += number <= header.LastPage ? 1 : 0;
            return;
        }

        entry.State = PageEntry.Unusable;
        if (number > header.LastPage)
        {
            CountBeyond(number);
            return;
        }

        if (page.PageId != number)
        {
            findings.Error(store.Where(number), $"The page calls itself page {page.PageId}.");
            return;
        }

        if (page.Type > PageFormat.DataPage)
        {
            FirstUnknownType = Math.Min(FirstUnknownType, number);
            return;
        }

        if (page.Type == PageFormat.HeaderPage != (number == 0))
        {
            findings.Error(store.Where(number), $"A page of type {page.Type} stands where none can.");
            return;
        }

        if (Content(number, page, ref entry))
        {
            entry.State = (byte)(PageEntry.FirstType + page.Type);
            (entry.Prev, entry.Next, entry.ListSlot) = (page.PrevPage, page.NextPage, page.ListSlot);
            pagesByType[page.Type]++;
        }
    }

    private bool Content(uint number, PageView page, ref PageEntry entry)
    {
        if (page.Type is PageFormat.EmptyPage or PageFormat.HeaderPage)
        {
            return true;
        }

        if (!byPage.TryGetValue(page.Collection, out var collection))
        {
            // Dropping an index and then its collection leaves such pages behind, without items.
            if (page.Type == PageFormat.IndexPage && page.ItemsCount == 0)
            {
                orphans++;
                return true;
            }

            findings.Error(store.Where(number), $"The page belongs to page {page.Collection}, which is no collection.");
            return false;
        }

        entry.Collection = collection.Number;
        if (page.Type == PageFormat.CollectionPage)
        {
            return true;
        }

        if (segments.Check(page) is { } wrong)
        {
            findings.Error(store.Where(number), wrong);
            return false;
        }

        if (page.Type == PageFormat.DataPage)
        {
            documents.Visit(number, page, collection);
        }
        else
        {
            nodes.Visit(number, page, collection);
        }

        return true;
    }

    private void CountBeyond(uint number)
    {
        beyond++;
        firstBeyond = Math.Min(firstBeyond, number);
        if (store.Table.Find(number).LogImage != 0)
        {
            findings.Error(store.Where(number), $"The log holds a page after the last one, {header.LastPage}.");
        }
    }

    private void Report()
    {
        // Numbers given to transactions that never ended: holes below the last page are legal when nothing leads to them.
        unwritten += Math.Max(0, header.LastPage + 1L - Math.Max(store.Data.PageCount, store.Table.InLogFrom(store.Data.PageCount).LastOrDefault() + 1L));
        if (unwritten > 0)
        {
            findings.Warn(store.DataName, $"{unwritten} pages up to the last one, {header.LastPage}, were never written; that is legal where nothing leads to them.");
        }

        if (beyond > 0)
        {
            findings.Warn(store.Where(firstBeyond), $"{beyond} pages with content lie after the last page, {header.LastPage}.");
        }

        if (orphans > 0)
        {
            findings.Note(store.DataName, $"{orphans} empty index pages of dropped collections are never used again; a rebuild frees them.");
        }

        findings.Note(store.DataName, $"Pages: {pagesByType[PageFormat.CollectionPage]} collection, {pagesByType[PageFormat.IndexPage]} index, {pagesByType[PageFormat.DataPage]} data, {pagesByType[PageFormat.EmptyPage]} empty.");
    }
}
