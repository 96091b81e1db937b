using BackupApi.Engines.LiteDb;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Row "happy" of the corruption matrix, and a small database for the other rows.</summary>
public sealed class LiteDbWriterTests : IDisposable
{
    private readonly TempFolder folder = new();

    [Fact]
    public void A_data_file_alone_is_ok_with_documents_and_index_entries_counted()
    {
        var verdict = Verify(Sample().ToFile());

        Assert.Empty(verdict.Errors);
        Assert.Empty(verdict.Warnings);
        Assert.Equal((40L, 40L, 26L, 3L), (verdict.Counts["people"], verdict.Counts["people.email"], verdict.Counts["people.tags"], verdict.Counts["files"]));
    }

    public void Dispose() => folder.Dispose();

    internal static TinyLite Sample(int people = 40)
    {
        var lite = new TinyLite();
        var collection = lite.AddCollection("people", ("email", true), ("tags", false));
        var files = lite.AddCollection("files");
        for (var i = 0; i < people; i++)
        {
            // Emails run against the ids, tags are none to two.
            var email = $"{people - i:D3}@example.org";
            var bson = new TinyBson().Int32("_id", i).Text("email", email).Document("home", new TinyBson().Text("city", "Pécs").Int64("zip", 7621).ToArray()).ToArray();
            lite.AddDocument(collection, TinyKey.Of(i), bson, [TinyKey.Of(email)], [.. Enumerable.Range(0, i % 3).Select(tag => TinyKey.Of($"t{tag}{i % 5}"))]);
        }

        foreach (var length in (int[])[10, 8150, 30_000])
        {
            var id = new Guid(length, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
            lite.AddDocument(files, TinyKey.Of(id), new TinyBson().Guid("_id", id).Binary("content", new byte[length]).ToArray());
        }

        lite.Free(lite.NewPage(4, files.Page));
        lite.Free(lite.NewPage(3, files.Page));
        return lite;
    }

    private Verdict Verify(byte[] data, byte[]? log = null)
    {
        File.WriteAllBytes(folder["x.db"], data);
        if (log is not null)
        {
            File.WriteAllBytes(folder["x-log.db"], log);
        }

        return new LiteDbVerifier("x.db", "x-log.db").Verify(folder["x.db"], log is null ? null : folder["x-log.db"], null, CancellationToken.None);
    }
}
