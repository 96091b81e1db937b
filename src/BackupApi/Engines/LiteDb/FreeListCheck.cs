namespace BackupApi.Engines.LiteDb;

/// <summary>The lists of pages with room, walked in the page table only. A page stands on one list at most, so all walks together take as many steps as there are pages.</summary>
internal sealed class FreeListCheck(PageStore store, Findings findings)
{
    /// <summary>One bit for each page, as 256 slots of a larger one.</summary>
    private readonly SlotMarks seen = new();

    /// <summary>Empty pages: a defect here is a known one of the engine, which heals it or stops at its next allocation; no document is lost by it.</summary>
    public void EmptyPages(HeaderPage header)
    {
        for (var page = header.FreeEmptyList; page != PageFormat.NoPage;)
        {
            var entry = store.Table.Find(page);
            if (page > header.LastPage || !entry.Is(PageFormat.EmptyPage) || !IsNew(page))
            {
                findings.Warn(store.Where(page), "The list of empty pages leads to a page that is not empty or was passed before (engine-side free-list defect).");
                return;
            }

            page = entry.Next;
        }
    }

    public void DataPages(Collection collection)
    {
        for (var list = 0; list < Collection.DataListCount; list++)
        {
            Walk(collection, collection.DataLists[list], PageFormat.DataPage, (byte)list, "data");
        }
    }

    public void IndexPages(Collection collection, CollectionIndex index) =>
        Walk(collection, index.FreeList, PageFormat.IndexPage, 0, "index");

    private bool IsNew(uint page) => seen.Mark(new PageAddress(page >> 8, (byte)page));

    private void Walk(Collection collection, uint first, byte type, byte list, string kind)
    {
        var previous = PageFormat.NoPage;
        for (var page = first; page != PageFormat.NoPage;)
        {
            var entry = store.Table.Find(page);
            if (entry.State == PageEntry.Unusable)
            {
                // Reported where it was looked at.
                return;
            }

            if (!entry.Is(type) || entry.Collection != collection.Number)
            {
                findings.Error(store.Where(page), $"A free list of {HeaderPage.Shown(collection.Name)} leads to this page, which is no {kind} page of it.");
                return;
            }

            if (!IsNew(page))
            {
                findings.Error(store.Where(page), $"A free list of {HeaderPage.Shown(collection.Name)} reaches this page a second time.");
                return;
            }

            if (entry.ListSlot != list || entry.Prev != previous)
            {
                findings.Warn(store.Where(page), $"A free list of {HeaderPage.Shown(collection.Name)} reaches this page, whose own fields say otherwise.");
            }

            previous = page;
            page = entry.Next;
        }
    }
}
