using BackupApi.Engines.LiteDb;
using BackupApi.Model;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>A small database with everything in it, written by <see cref="TinyLite"/>, and a place to damage it in.</summary>
internal sealed class Sample : IDisposable
{
    private readonly TempFolder folder = new();

    public Sample(int people = 40)
    {
        People = Lite.AddCollection("people", ("email", true), ("tags", false));
        Files = Lite.AddCollection("files");
        for (var i = 0; i < people; i++)
        {
            // Emails run against the ids, tags are none to two.
            var email = $"{people - i:D3}@example.org";
            var bson = new TinyBson().Int32("_id", i).Text("email", email).Document("home", new TinyBson().Text("city", "Pécs").Int64("zip", 7621).ToArray()).ToArray();
            Lite.AddDocument(People, TinyKey.Of(i), bson, [TinyKey.Of(email)], [.. Enumerable.Range(0, i % 3).Select(tag => TinyKey.Of($"t{tag}{i % 5}"))]);
        }

        foreach (var length in (int[])[10, 8150, 30_000])
        {
            var id = new Guid(length, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
            Lite.AddDocument(Files, TinyKey.Of(id), new TinyBson().Guid("_id", id).Binary("content", new byte[length]).ToArray());
        }

        Lite.Free(Lite.NewPage(4, Files.Page));
        Lite.Free(Lite.NewPage(3, Files.Page));
        Data = Lite.ToFile();
    }

    public TinyLite Lite { get; } = new();

    public TinyCollection People { get; }

    public TinyCollection Files { get; }

    /// <summary>The data file; tests change it before <see cref="Verify"/>.</summary>
    public byte[] Data { get; set; }

    public byte[]? Log { get; set; }

    /// <summary>The first document of several blocks.</summary>
    public Address LargeDocument => Files.Documents[new Guid(30_000, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)];

    public Span<byte> Page(uint number) => Data.AsSpan((int)number * TinyLite.PageSize, TinyLite.PageSize);

    public Span<byte> Segment(Address at)
    {
        var page = Page(at.Page).ToArray();
        var entry = TinyLite.PageSize - (4 * (at.Slot + 1));
        return Page(at.Page).Slice(TinyLite.Get16(page, entry + 2), TinyLite.Get16(page, entry));
    }

    public Verdict Verify()
    {
        var (data, log) = (folder["x.db"], folder["x-log.db"]);
        File.WriteAllBytes(data, Data);
        if (Log is not null)
        {
            File.WriteAllBytes(log, Log);
        }

        return new LiteDbVerifier("x.db", "x-log.db").Verify(data, Log is null ? null : log, null, CancellationToken.None);
    }

    public void Dispose() => folder.Dispose();
}
