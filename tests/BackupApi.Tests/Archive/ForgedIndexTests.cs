using System.Security.Cryptography;
using BackupApi.Archive;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>Archives whose checksums are all right, and whose index says other than their tar.</summary>
public sealed class ForgedIndexTests : IDisposable
{
    private static readonly ArchiveEntry Honest = new("file", EntryKind.File, 7, 0x1A4, 0, 0, new UnixTime(5, 0));

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task An_honest_one_made_the_same_way_is_whole()
    {
        Forge(Honest, Honest, "content"u8, "content"u8);
        Assert.Empty((await Storage.VerifyAsync(temp["forged"])).Errors);
    }

    public static TheoryData<string> Lies() => new("mode", "name", "size", "owner", "time", "hash");

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Any_difference_names_the_entry(string lie)
    {
        var indexed = lie switch
        {
            "mode" => Honest with { Mode = 0x1FF },
            "name" => Honest with { Name = "other" },
            "size" => Honest with { Size = 6 },
            "owner" => Honest with { Uid = 1000 },
            "time" => Honest with { Modified = new UnixTime(6, 0) },
            _ => Honest,
        };
        Forge(indexed, Honest, lie == "hash" ? "another"u8 : "content"u8, "content"u8);
        var errors = (await Storage.VerifyAsync(temp["forged"])).Errors;
        Assert.Contains(errors, error => error.Where == indexed.Name);
        await Assert.ThrowsAsync<BackupException>(() => Storage.UnpackAsync(temp["forged"], temp.Folder("out")));
    }

    [Fact]
    public async Task A_second_entry_that_the_index_hides_is_found()
    {
        var hidden = TarHeader.Write(Honest with { Name = "hidden", Size = 0 });
        Forge(Honest, Honest, "content"u8, "content"u8, hidden);
        Assert.Contains((await Storage.VerifyAsync(temp["forged"])).Errors, error => error.Message.Contains("more than the index", StringComparison.Ordinal));
        await Assert.ThrowsAsync<BackupException>(() => Storage.UnpackAsync(temp["forged"], temp.Folder("out")));
    }

    [Theory]
    [InlineData("../out of it")]
    [InlineData("/absolute")]
    [InlineData(".backup/x")]
    [InlineData("a//b")]
    public async Task A_name_that_may_not_be_is_refused_whatever_the_tar_says(string name)
    {
        Forge(Honest with { Name = name }, Honest with { Name = name }, "content"u8, "content"u8);
        Assert.NotEmpty((await Storage.VerifyAsync(temp["forged"])).Errors);
        await Assert.ThrowsAsync<BackupException>(() => Storage.UnpackAsync(temp["forged"], temp.Folder("out")));
        await Assert.ThrowsAsync<BackupException>(async () =>
        {
            await foreach (var entry in new ArchiveReader().ListAsync(temp["forged"], CancellationToken.None))
            {
                Assert.Fail(entry.Name);
            }
        });
    }

    private void Forge(ArchiveEntry indexed, ArchiveEntry stored, ReadOnlySpan<byte> hashed, ReadOnlySpan<byte> content, byte[]? behind = null) =>
        Forge(temp["forged"], indexed, stored, hashed, content, behind);

    /// <param name="hashed">What the index claims the content to be.</param>
    internal static void Forge(string path, ArchiveEntry indexed, ArchiveEntry stored, ReadOnlySpan<byte> hashed, ReadOnlySpan<byte> content, byte[]? behind = null)
    {
        File.Delete(path);
        using var handle = Posix.CreateNew(path);
        using var sink = new PlainSink(handle, ManifestHead.Length(1024));
        var output = new ArchiveOutput(sink, path, ManifestHead.Length(1024));
        using var assembly = new ContentAssembly(output, level: 5);
        using var work = new ChunkWork(reference: null, level: 5);
        assembly.Take(new WriteStep { Kind = StepKind.Begin, Entries = [new IndexedEntry(indexed, null)] });
        var chunk = new WriteStep { Kind = StepKind.Chunk };
        byte[] tar = [.. TarHeader.Write(stored), .. content, .. new byte[TarFormat.Padding(content.Length)], .. behind ?? []];
        tar.CopyTo(chunk.Content, 0);
        chunk.ContentLength = tar.Length;
        work.Do(chunk);
        assembly.Take(chunk);
        assembly.Take(new WriteStep { Kind = StepKind.End, Hashes = [Sha256Value.From(SHA256.HashData(hashed))] });
        new ArchiveEnd(output, level: 5).Write(Storage.AManifest(), Storage.AReport(new WriterObservations([], [], [], 1, 7)), assembly, 1024);
    }
}
