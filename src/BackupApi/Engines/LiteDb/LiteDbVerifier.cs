using BackupApi.Model;

namespace BackupApi.Engines.LiteDb;

/// <summary>Judges a quiet LiteDB v5 file and its log: replays the log in memory, looks at every page, reads every document, walks every index.</summary>
/// <remarks>
/// The format has no checksums: a flipped bit inside a text or a number, or a page that is a whole older version of itself, cannot be seen here.
/// Memory: 16 bytes for each page, 64 more where documents of several blocks lie, a page cache of at most 20 MB, one document of at most 16.7 MB.
/// Every chain ends after as many steps as there are pages, blocks or nodes.
/// </remarks>
internal sealed class LiteDbVerifier
{
    private readonly string dataName;
    private readonly string logName;
    private Findings findings = new();
    private IReadOnlyList<Collection> collections = [];
    private uint firstUnknownType = PageFormat.NoPage;

    /// <param name="dataName">Names for findings, relative to storage.</param>
    public LiteDbVerifier(string dataName, string logName)
    {
        this.dataName = dataName;
        this.logName = logName;
    }

    /// <param name="logPath">Null when there is no log.</param>
    /// <param name="password">Of an encrypted file; null for a plain one.</param>
    public Verdict Verify(string dataPath, string? logPath, string? password, CancellationToken ct)
    {
        using var data = PageFile.Open(dataPath, password);
        if (data is null || !Opens(data))
        {
            return Verdict.ArchiveOnly("The database is encrypted and the password given does not open it: its structure cannot be verified.");
        }

        using var log = logPath is null ? null : PageFile.Open(logPath, password);
        if (logPath is not null && log is null)
        {
            return Verdict.Damaged([new Finding(logName, "The log does not open with the password of its database.")]);
        }

        var verdict = Verify(data, log, ReplayOrder.AtOpening, out var hasReusedIds, ct);
        if (!verdict.IsDamaged || !hasReusedIds)
        {
            return verdict;
        }

        // The engine itself disagrees with itself where ids were reused: what its next checkpoint would write counts as well.
        var other = Verify(data, log, ReplayOrder.AtCheckpoint, out _, ct);
        return other.IsDamaged ? verdict : other;
    }

    private Verdict Verify(PageFile data, PageFile? log, ReplayOrder order, out bool hasReusedIds, CancellationToken ct)
    {
        findings = new Findings();
        collections = [];
        firstUnknownType = PageFormat.NoPage;
        hasReusedIds = false;
        if (data.PageCount == 0)
        {
            return Verdict.Damaged([new Finding(dataName, "The file holds no whole page.")]);
        }

        if (data.RaggedBytes > 0)
        {
            // The engine cuts such a tail off; where a log follows, the page may be in it, and whether it is missed shows below.
            var message = $"The file ends inside a page: {data.RaggedBytes} bytes after the last whole one.";
            (log is { PageCount: > 0 } ? (Action<string, string>)findings.Warn : findings.Error)(dataName, message);
        }

        var store = new PageStore(data, dataName, log, logName);
        var replay = log is { Length: > 0 } ? LogReplay.Run(log, logName, store.Table, order, findings, ct) : null;
        hasReusedIds = replay?.HasReusedIds ?? false;

        var page = new byte[PageFormat.Size];
        data.Read(0, page);
        if (UnsupportedVersion(page) is { } version)
        {
            return Verdict.ArchiveOnly($"LiteDB file version {version} is not known to this service: its structure cannot be verified.");
        }

        var header = HeaderPage.Parse(page, $"{dataName} page 0", findings);
        if (replay is { HeaderImage: >= 0 } && header is not null)
        {
            log!.Read(replay.HeaderImage, page);
            store.Table[0].LogImage = replay.HeaderImage + 1;
            header = HeaderPage.Parse(page, store.Where(0), findings);
        }

        if (header is not null)
        {
            Walk(store, header, ct);
        }

        return Judge(store);
    }

    /// <summary>Where the file holds nothing to test the password by, its first page decides.</summary>
    private static bool Opens(PageFile data)
    {
        if (data.IsPasswordProven || data.PageCount == 0)
        {
            return true;
        }

        var page = new byte[PageFormat.Size];
        data.Read(0, page);
        return page.AsSpan(LiteDbSignature.MagicAt, LiteDbSignature.Magic.Length).SequenceEqual(LiteDbSignature.Magic);
    }

    /// <summary>The version byte when the magic stands and the version is another one; null otherwise.</summary>
    private static int? UnsupportedVersion(ReadOnlySpan<byte> page) =>
        page.Slice(LiteDbSignature.MagicAt, LiteDbSignature.Magic.Length).SequenceEqual(LiteDbSignature.Magic) && page[LiteDbSignature.VersionAt] != LiteDbSignature.FileVersion
            ? page[LiteDbSignature.VersionAt]
            : null;

    private void Walk(PageStore store, HeaderPage header, CancellationToken ct)
    {
        collections = FindCollections(store, header);
        var pages = new PageCheck(store, header, collections, findings);
        pages.Run(ct);
        firstUnknownType = pages.FirstUnknownType;

        var lists = new FreeListCheck(store, findings);
        var walk = new IndexWalk(store, header.Collation, findings);
        lists.EmptyPages(header);
        foreach (var collection in collections)
        {
            lists.DataPages(collection);
            foreach (var index in collection.Indexes)
            {
                lists.IndexPages(collection, index);
                walk.Run(collection, index, ct);
            }
        }

        new CrossCheck(store, collections, findings).Run(ct);
    }

    private List<Collection> FindCollections(PageStore store, HeaderPage header)
    {
        var found = new List<Collection>();
        foreach (var (name, number) in header.Collections)
        {
            var where = store.Where(number);
            if (number > header.LastPage || !store.Exists(number))
            {
                findings.Error(where, $"The page of the collection {HeaderPage.Shown(name)} is missing.");
                continue;
            }

            var page = new PageView(store.Get(number));
            if (page.Type != PageFormat.CollectionPage || page.PageId != number || page.Collection != number)
            {
                findings.Error(where, $"The collection {HeaderPage.Shown(name)} should be described here, but the page is something else.");
            }
            else if (Collection.Parse(page.Bytes, name, (ushort)(found.Count + 1), where, findings) is { } collection)
            {
                found.Add(collection);
            }
        }

        return found;
    }

    private Verdict Judge(PageStore store)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var collection in collections)
        {
            counts[collection.Name] = collection.Documents;
            foreach (var index in collection.Indexes.Where(index => index.Slot != 0))
            {
                counts[$"{collection.Name}.{index.Name}"] = index.Documents;
            }
        }

        if (findings.HasErrors)
        {
            return Verdict.Damaged(findings.Errors, counts, findings.Warnings, findings.Notes);
        }

        return firstUnknownType == PageFormat.NoPage
            ? Verdict.Ok(counts, findings.Warnings, findings.Notes)
            : Verdict.ArchiveOnly($"{store.Where(firstUnknownType)} is of a type that this service does not know; nothing known leads to it, so a newer engine may have written it.", findings.Warnings);
    }
}
