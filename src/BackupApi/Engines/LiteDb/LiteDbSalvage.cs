using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LiteDb;

/// <summary>Brings every whole document out of a damaged LiteDB file and its log, as JSON lines, one file for each collection.</summary>
/// <remarks>Goes by the data pages themselves, which name their collection: no index and no list has to stand. A document that was removed is on no page any more and does not come back.</remarks>
internal sealed class LiteDbSalvage(Source source, string folder, string? password)
{
    private const int MaxCollections = 1000;

    private readonly string shown = PathText.Show(source.Name);
    private readonly Findings findings = new();
    private readonly Dictionary<uint, (Collection Collection, string File, BsonLines Lines)> outputs = [];
    private readonly Dictionary<uint, string> names = [];
    private bool isFull;

    public Salvaged Run(string into, CancellationToken ct)
    {
        var dataPath = $"{folder}/{source.Name}";
        var logName = LiteDbNames.LogOf(source.Name);
        try
        {
            using var data = PageFile.Open(dataPath, source.Variant == LiteDbEngine.V5Encrypted ? password : null);
            if (data is null || source.Variant == LiteDbEngine.V4 || (source.Variant == LiteDbEngine.V5Encrypted && password is null))
            {
                findings.Error(shown, source.Variant == LiteDbEngine.V4 ? "LiteDB v4: this older format cannot be read here." : "The database is encrypted, and no password is set that opens it.");
                return Describe();
            }

            using var log = Posix.FindStat($"{folder}/{logName}") is { Kind: FileKind.File, Size: > 0 } ? PageFile.Open($"{folder}/{logName}", source.Variant == LiteDbEngine.V5Encrypted ? password : null) : null;
            Read(data, log, PathText.Show(logName), into, ct);
        }
        catch (IOException e) when (e.HResult is not (Errno.ENOSPC or Errno.EDQUOT or Errno.EIO))
        {
            findings.Error(shown, $"It cannot be read: {e.Message}.");
        }
        finally
        {
            foreach (var (_, _, lines) in outputs.Values)
            {
                lines.Dispose();
            }
        }

        return Describe();
    }

    private void Read(PageFile data, PageFile? log, string logName, string into, CancellationToken ct)
    {
        using var store = new PageStore(data, shown, log, logName);
        var replay = log is { Length: > 0 } ? LogReplay.Run(log, logName, store.Table, ReplayOrder.AtOpening, findings, ct) : null;
        if (replay is { HeaderImage: >= 0 })
        {
            store.Table[0].LogImage = replay.HeaderImage + 1;
        }

        if (data.RaggedBytes > 0)
        {
            findings.Error(shown, $"The file ends inside a page: what lay behind is lost, {data.RaggedBytes} bytes of that page included.");
        }

        uint lastPage = 0;
        if (store.Exists(0) && HeaderPage.Parse(store.Get(0), store.Where(0), findings) is { } header)
        {
            lastPage = header.LastPage;
            foreach (var (name, page) in header.Collections)
            {
                names[page] = name;
            }
        }

        var documents = new DocumentCheck(store, findings, Found);
        var blank = 0L;
        store.Scan((number, bytes) =>
        {
            var page = new PageView(bytes);
            blank += number <= lastPage && PageFormat.IsBlank(bytes) ? 1 : 0;
            if (page.Type == PageFormat.DataPage && page.PageId == number && !PageFormat.IsBlank(bytes) && CollectionOf(page.Collection, into) is { } collection)
            {
                documents.Visit(number, page, collection);
            }
            else if (page.Type > PageFormat.DataPage || (page.PageId != number && !PageFormat.IsBlank(bytes)))
            {
                findings.Error(store.Where(number), "The page is not what it should be: whatever it held is lost.");
            }
        }, ct);
        documents.Finish();
        blank += Math.Max(0, lastPage + 1L - Math.Max(data.PageCount, store.Table.InLogFrom(data.PageCount).LastOrDefault() + 1L));
        if (blank > 0)
        {
            findings.Error(shown, $"{blank} pages up to the last one, {lastPage}, are missing or hold nothing: if documents were there, they are lost.");
        }

        void Found(Collection collection, ReadOnlySpan<byte> bson) => outputs[collection.Page].Lines.Write(bson);
    }

    private Collection? CollectionOf(uint page, string into)
    {
        if (outputs.TryGetValue(page, out var known))
        {
            return known.Collection;
        }

        if (outputs.Count == MaxCollections)
        {
            if (!isFull)
            {
                isFull = true;
                findings.Error(shown, $"It names more than {MaxCollections} collections: what belongs to the others was passed over.");
            }

            return null;
        }

        var number = outputs.Count + 1;
        var name = names.GetValueOrDefault(page) ?? string.Create(CultureInfo.InvariantCulture, $"page-{page}");

        // A name out of a damaged file is no file name until it was looked at.
        var isPlain = name.Length <= 100 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '-');
        var file = isPlain ? $"{name}.jsonl" : string.Create(CultureInfo.InvariantCulture, $"collection-{number}.jsonl");
        file = outputs.Values.Any(output => output.File == file) ? string.Create(CultureInfo.InvariantCulture, $"page-{page}-{number}.jsonl") : file;
        var collection = new Collection { Name = HeaderPage.Shown(name), Page = page, Number = (ushort)number };
        outputs[page] = (collection, file, new BsonLines(new FileStream(Posix.CreateNew($"{into}/{file}"), FileAccess.Write, 1 << 16)));
        return collection;
    }

    private Salvaged Describe()
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (collection, _, lines) in outputs.Values)
        {
            // Two pages may bear one name.
            counts[collection.Name] = counts.GetValueOrDefault(collection.Name) + lines.Count;
        }

        return new Salvaged
        {
            Method = "document by document",
            Files = [.. outputs.Values.Select(output => output.File).Order(StringComparer.Ordinal)],
            Counts = counts,
            NotReadable = findings.Errors,
            Notes = [.. findings.Warnings, .. findings.Notes],
        };
    }
}
