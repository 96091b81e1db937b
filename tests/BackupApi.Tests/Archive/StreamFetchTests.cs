using BackupApi.Archive;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>One file out of an archive that has no index: nothing vouches for its bytes but gzip's checksum at the very end.</summary>
public sealed class StreamFetchTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task A_file_is_given_only_once_the_whole_archive_was_read_and_is_right()
    {
        var archive = await MakeAsync();
        var wanted = await File.ReadAllBytesAsync(temp["storage/b wanted"]);
        var (right, refused) = (0, 0);
        for (var at = 0; at < archive.Length; at += at < archive.Length - 30 ? 7 : 1)
        {
            archive[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(temp["altered.tar.gz"], archive);
            archive[at] ^= (byte)(1 << (at % 8));
            _ = await IsGivenAsync("altered.tar.gz", wanted, $"altered at {at}") ? right++ : refused++;
        }

        for (var length = 0; length < archive.Length; length += length < archive.Length - 30 ? 97 : 1)
        {
            await File.WriteAllBytesAsync(temp["cut.tar.gz"], archive[..length]);
            Assert.False(await IsGivenAsync("cut.tar.gz", wanted, $"cut at {length}"), $"cut at {length}");
        }

        Assert.True(refused > 20 * (right + 1), $"{right} came out of a damaged archive, {refused} did not");
    }

    [Fact]
    public async Task Names_chosen_from_it_are_unpacked_only_if_the_whole_archive_is_right()
    {
        var archive = await MakeAsync();
        for (var at = archive.Length - 30; at < archive.Length; at++)
        {
            archive[at] ^= 0x10;
            await File.WriteAllBytesAsync(temp["altered.tar.gz"], archive);
            archive[at] ^= 0x10;
            try
            {
                await new ArchiveReader().UnpackAsync(
                    temp["altered.tar.gz"], temp.Folder($"out{at}"), static entry => entry.Name == "b wanted", ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);
            }
            catch (BackupException e)
            {
                Assert.Equal(Fault.ArchiveDamaged, e.Fault);
                continue;
            }

            // The bits that fill up the last byte of deflate say nothing.
            Assert.True(at < archive.Length - 8, $"The altered byte {at} of the trailer passed.");
            Assert.Equal(await File.ReadAllBytesAsync(temp["storage/b wanted"]), await File.ReadAllBytesAsync(temp[$"out{at}/b wanted"]));
        }
    }

    [Fact]
    public async Task A_hard_link_gives_the_content_of_its_file()
    {
        await MakeAsync();
        using var content = new MemoryStream();
        var entry = await new ArchiveReader().CopyEntryAsync(temp["a.tar.gz"], "c link", content, CancellationToken.None);
        Assert.Equal(await File.ReadAllBytesAsync(temp["storage/b wanted"]), content.ToArray());
        Assert.Equal("c link", entry.Name);
        Assert.Equal(64, entry.Sha256!.Length);
    }

    [Fact]
    public async Task A_name_that_comes_twice_is_refused()
    {
        new RawTar().File("name", "first"u8).File("name", "second"u8).WriteGzip(temp["twice.tar.gz"]);
        using var content = new MemoryStream();
        var fault = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().CopyEntryAsync(temp["twice.tar.gz"], "name", content, CancellationToken.None));
        Assert.Equal((Fault.ArchiveHostile, 0L), (fault.Fault, content.Length));
    }

    [Fact]
    public async Task Hard_links_that_go_round_in_circles_are_refused()
    {
        new RawTar().Link("a", "b", EntryKind.HardLink).Link("b", "a", EntryKind.HardLink).WriteGzip(temp["circle.tar.gz"]);
        var inStream = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().CopyEntryAsync(temp["circle.tar.gz"], "a", Stream.Null, CancellationToken.None));
        Assert.Equal(Fault.ArchiveHostile, inStream.Fault);

        var link = new ArchiveEntry("a", EntryKind.HardLink, 0, 0x1FF, 0, 0, default, "a");
        ForgedIndexTests.Forge(temp["forged"], link, link, ""u8, ""u8);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var inIndex = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().CopyEntryAsync(temp["forged"], "a", Stream.Null, patience.Token));
        Assert.True(inIndex.Fault is Fault.ArchiveHostile or Fault.ArchiveDamaged);
    }

    /// <summary>True when the right bytes came; false when it was refused before the first of them.</summary>
    private async Task<bool> IsGivenAsync(string archive, byte[] wanted, string where)
    {
        using var content = new MemoryStream();
        try
        {
            await new ArchiveReader().CopyEntryAsync(temp[archive], "b wanted", content, CancellationToken.None);
        }
        catch (BackupException e)
        {
            Assert.True(content.Length == 0, $"{where}: {content.Length} bytes were given before: {e.Message}");
            return false;
        }

        Assert.True(content.ToArray().AsSpan().SequenceEqual(wanted), $"{where}: wrong bytes were given for right");
        return true;
    }

    private async Task<byte[]> MakeAsync()
    {
        var random = new Random(8);
        var text = new byte[6000];
        foreach (var name in new[] { "a before", "b wanted", "d behind" })
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = (byte)random.Next('a', 'z');
            }

            temp.File($"storage/{name}", text);
        }

        BackupApi.Files.Posix.MakeHardLink(temp["storage/b wanted"], temp["storage/c link"]);
        Tool.Run("tar", "czf", temp["a.tar.gz"], "--sort=name", "-C", temp["storage"], ".");
        return await File.ReadAllBytesAsync(temp["a.tar.gz"]);
    }
}

/// <summary>The same over HTTP.</summary>
public sealed class StreamFetchOverHttpTests : IAsyncLifetime
{
    private readonly RunningService service = new(static folder => folder.File("storage/wanted", "the right content"u8));

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_file_out_of_a_damaged_archive_made_by_tar_is_a_problem_and_no_download()
    {
        var path = Path.Combine(service.Backups, "made_by_tar.tar.gz");
        Tool.Run("tar", "czf", path, "-C", service.Folder["storage"], "wanted");
        Assert.Equal("the right content", await service.Client.GetStringAsync(new Uri("/api/backup/made_by_tar.tar.gz/files/wanted", UriKind.Relative)));

        var bytes = await File.ReadAllBytesAsync(path);
        bytes[^6] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        var (status, json) = await service.GetAsync("/api/backup/made_by_tar.tar.gz/files/wanted");
        Assert.Equal((422, "archiveDamaged"), (status, json.GetProperty("fault").GetString()));
        var (restored, problem) = await service.PostAsync("/api/backup/restore", """{"backupName":"made_by_tar.tar.gz","paths":["wanted"]}""");
        Assert.Equal((422, "archiveDamaged"), (restored, problem.GetProperty("fault").GetString()));
    }
}
