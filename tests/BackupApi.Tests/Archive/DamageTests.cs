using BackupApi.Archive;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>Right verdict or right data, nothing else: an archive with carried-over chunks, cut and altered at every byte.</summary>
public sealed class DamageTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task A_cut_anywhere_is_reported() => await CutAsync(step: 41);

    [Fact]
    [Trait("Category", "Long")]
    public async Task A_cut_at_every_byte_is_reported() => await CutAsync(step: 1);

    [Fact]
    public async Task An_altered_byte_anywhere_is_reported() => await FlipAsync(step: 23);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_altered_byte_at_every_place_is_reported(int third) => await FlipAsync(step: 3, start: third);

    [Fact]
    public async Task Bytes_behind_the_end_are_reported()
    {
        var (archive, _) = await MakeAsync();
        await File.WriteAllBytesAsync(temp["longer"], [.. archive, 1]);
        Assert.NotEmpty((await Storage.VerifyAsync(temp["longer"])).Errors);
    }

    [Fact]
    public async Task A_damaged_chunk_is_named_with_its_files_and_its_offset()
    {
        var (archive, _) = await MakeAsync();
        using (var file = BackupApi.Archive.Reading.ArchiveFile.Open(temp["second.tar.gz"], BackupApi.Archive.Encryption.ArchiveKeys.None))
        {
            archive[file.Locator!.ContentOffset + 20] ^= 0x10;
        }

        await File.WriteAllBytesAsync(temp["altered"], archive);
        var error = Assert.Single((await Storage.VerifyAsync(temp["altered"])).Errors, error => error.Message.Contains("chunk", StringComparison.Ordinal));
        Assert.Contains("archive offset", error.Message, StringComparison.Ordinal);
        Assert.Equal("a.db", error.Where);
    }

    [Fact]
    public async Task What_is_still_whole_is_salvaged_and_the_rest_is_listed()
    {
        var storage = temp.Folder("storage");
        var random = new Random(3);
        foreach (var name in new[] { "a.db", "b.db", "c.db" })
        {
            var bytes = new byte[200_000];
            random.NextBytes(bytes);
            temp.File($"storage/{name}", bytes);
        }

        temp.File("storage/small", "small"u8);
        await Storage.WriteAsync(temp["a.tar.gz"], storage);
        var archive = await File.ReadAllBytesAsync(temp["a.tar.gz"]);
        archive[16_384 + 300_000] ^= 1;
        await File.WriteAllBytesAsync(temp["a.tar.gz"], archive);

        var fault = await Assert.ThrowsAsync<BackupException>(() => Storage.UnpackAsync(temp["a.tar.gz"], temp.Folder("refused")));
        Assert.Equal(Fault.ArchiveDamaged, fault.Fault);

        var result = await new ArchiveReader().SalvageAsync(temp["a.tar.gz"], temp.Folder("out"), static _ => true, ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);
        Assert.Equal("b.db", Assert.Single(result.Damaged).Where);
        Assert.Equal(TreeText.Of(storage, name => name == "b.db"), TreeText.Of(temp["out"]));
    }

    [Fact]
    public async Task An_archive_that_lost_its_end_gives_what_comes_before()
    {
        var random = new Random(3);
        foreach (var name in new[] { "a", "b", "c" })
        {
            var bytes = new byte[100_000];
            random.NextBytes(bytes);
            temp.File($"storage/{name}", bytes);
        }

        await Storage.WriteAsync(temp["a.tar.gz"], temp["storage"]);
        var archive = await File.ReadAllBytesAsync(temp["a.tar.gz"]);
        await File.WriteAllBytesAsync(temp["cut.tar.gz"], archive[..250_000]);
        var result = await new ArchiveReader().SalvageAsync(temp["cut.tar.gz"], temp.Folder("out"), static _ => true, ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);
        Assert.Equal("c", Assert.Single(result.Damaged).Where);
        Assert.Equal(TreeText.Of(temp["storage"], name => name == "c"), TreeText.Of(temp["out"]));
    }

    private async Task CutAsync(int step)
    {
        var (archive, storage) = await MakeAsync();
        foreach (var place in KillShare.Of(Enumerable.Range(0, archive.Length).Where(i => i % step == 0).Select(i => (long)i)))
        {
            var length = (int)place;
            await File.WriteAllBytesAsync(temp["cut"], archive[..length]);
            AssertPrecise((await Storage.VerifyAsync(temp["cut"])).Errors, $"cut at {length}");
            await AssertNeverWrongAsync("cut", storage, $"cut at {length}");
        }
    }

    private async Task FlipAsync(int step, int start = 0)
    {
        var (archive, storage) = await MakeAsync();
        foreach (var i in KillShare.Of(Enumerable.Range(0, archive.Length).Where(place => place % step == start).Select(place => (long)place)))
        {
            var bit = (byte)(1 << (int)(i % 8));
            archive[i] ^= bit;
            await File.WriteAllBytesAsync(temp["flip"], archive);
            AssertPrecise((await Storage.VerifyAsync(temp["flip"])).Errors, $"byte {i} of {archive.Length}");
            await AssertNeverWrongAsync("flip", storage, $"byte {i}");
            archive[i] ^= bit;
        }
    }

    /// <summary>Every verdict names what it is about, and one of them where.</summary>
    private static void AssertPrecise(IReadOnlyList<Finding> errors, string where)
    {
        Assert.True(errors.Count > 0, $"{where}: called whole");
        Assert.All(errors, error => Assert.True(error.Where.Length > 0 && error.Message.Length > 0, where));
        Assert.True(errors.Any(error => error.Message.Contains("offset", StringComparison.Ordinal)), $"{where}: {string.Join("; ", errors)}");
    }

    private async Task AssertNeverWrongAsync(string name, string storage, string where)
    {
        var into = temp.Folder("out");
        try
        {
            await Storage.UnpackAsync(temp[name], into);
            Assert.True(TreeText.Of(storage) == TreeText.Of(into), $"{where}: unpacked, but wrong");
        }
        catch (BackupException e)
        {
            Assert.True(e.Fault is Fault.ArchiveDamaged or Fault.ArchiveHostile, $"{where}: {e.Message}");
        }
        finally
        {
            BackupApi.Files.TreeRemoval.Remove(into);
        }
    }

    /// <summary>A few kilobytes: a run, a database of which one chunk was carried over and one was not, a file that does not compress, links.</summary>
    private async Task<(byte[] Archive, string Storage)> MakeAsync()
    {
        var storage = temp.Folder("storage");
        temp.File("storage/a.db", new byte[100_000]);
        temp.File("storage/folder/text", "some text, some text, some text"u8);
        temp.File("storage/name", "more"u8);
        BackupApi.Files.Posix.MakeSymlink("folder/text", temp["storage/link"]);
        BackupApi.Files.Posix.MakeHardLink(temp["storage/name"], temp["storage/same"]);
        await WriteAsync("first.tar.gz", null);
        var database = new byte[100_000];
        database[99_999] = 7;
        await File.WriteAllBytesAsync(temp["storage/a.db"], database);
        var facts = await WriteAsync("second.tar.gz", temp["first.tar.gz"]);
        Assert.True(facts.BytesCarriedOver > 0);
        return (await File.ReadAllBytesAsync(temp["second.tar.gz"]), storage);

        Task<ArchiveFacts> WriteAsync(string name, string? reference) => new ArchiveWriter(Storage.Later).WriteAsync(
            temp[name], Storage.RequestFor(storage, reference) with { ManifestRoomBytes = 512 }, Storage.NoProgress, CancellationToken.None);
    }
}
