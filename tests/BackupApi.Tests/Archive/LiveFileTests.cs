using System.Text;
using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>Files that their owner goes on writing while they are read.</summary>
public sealed class LiveFileTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(20_000, 0)]
    [InlineData(700_000, 3_000_000)]
    public async Task A_file_that_never_rests_is_kept_and_reported(int length, int bytesPerSecond)
    {
        var path = temp.File("storage/log", new byte[length]);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            using var handle = Posix.Open(path, OpenFlags.ReadWrite);
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                RandomAccess.Write(handle, BitConverter.GetBytes(i), i % length);
            }
        });

        // A small file is read within microseconds: on a busy machine its owner may not get to write just then, and it did rest.
        IReadOnlyList<Finding> changed = [];
        for (var i = 0; i < 500 && changed.Count == 0; i++)
        {
            File.Delete(temp["a.tar.gz"]);
            changed = (await Storage.WriteAsync(temp["a.tar.gz"], temp["storage"], settings: Storage.Later with { BytesPerSecond = bytesPerSecond, Tries = 2 })).Observations.ChangedWhileRead;
        }

        await stop.CancelAsync();
        await writing;

        Assert.Equal("log", Assert.Single(changed).Where);
        Assert.Empty((await Storage.VerifyAsync(temp["a.tar.gz"])).Errors);
    }

    [Fact]
    public async Task A_large_file_that_changes_once_is_begun_anew()
    {
        var path = temp.File("storage/big", new byte[900_000]);
        temp.File("storage/zz", "behind it"u8);
        var writing = new ArchiveWriter(Storage.Later with { BytesPerSecond = 1_500_000 }).WriteAsync(temp["a.tar.gz"], Storage.RequestFor(temp["storage"]), Storage.NoProgress, CancellationToken.None);
        await Task.Delay(200);
        await File.AppendAllTextAsync(path, "one more line");
        var facts = await writing;

        Assert.Empty(facts.Observations.ChangedWhileRead);
        Assert.True(facts.BytesRead > 900_013);
        Assert.Empty((await Storage.VerifyAsync(temp["a.tar.gz"])).Errors);
        await Storage.UnpackAsync(temp["a.tar.gz"], temp.Folder("out"));
        Assert.Equal(TreeText.Of(temp["storage"]), TreeText.Of(temp["out"]));
    }

    [Fact]
    public async Task What_is_gone_or_cannot_be_opened_is_left_out_and_reported()
    {
        temp.File("storage/gone", "x"u8);
        temp.File("storage/gone.big", new byte[100_000]);
        temp.File("storage/stays", "x"u8);
        temp.File("storage/unreadable", "x"u8);
        Posix.MakeHardLink(temp["storage/gone"], temp["storage/link to gone"]);
        var files = Storage.Capture(temp["storage"]).ConvertAll(file => file.Name == "unreadable" ? file with { ContentPath = temp[new string('n', 300)] } : file);
        File.Delete(temp["storage/gone"]);
        File.Delete(temp["storage/gone.big"]);

        var facts = await new ArchiveWriter(Storage.Later).WriteAsync(temp["a.tar.gz"], Storage.RequestFor(files), Storage.NoProgress, CancellationToken.None);
        Assert.Equal(["gone", "gone.big"], facts.Observations.Vanished.Select(finding => finding.Where));
        Assert.Equal(["link to gone", "unreadable"], facts.Observations.Unreadable.Select(finding => finding.Where));
        Assert.Empty((await Storage.VerifyAsync(temp["a.tar.gz"])).Errors);
        await Storage.UnpackAsync(temp["a.tar.gz"], temp.Folder("out"));
        Assert.Equal(["stays"], Posix.ListNames(temp["out"]));
    }

    [Fact]
    public async Task A_small_file_that_outgrew_its_run_is_stored_by_itself()
    {
        temp.File("storage/a", "a"u8);
        temp.File("storage/b", "small at the listing"u8);
        temp.File("storage/c", "c"u8);
        var files = Storage.Capture(temp["storage"]);
        await File.WriteAllBytesAsync(temp["storage/b"], new byte[3_000_000]);
        await new ArchiveWriter(Storage.Later).WriteAsync(temp["a.tar.gz"], Storage.RequestFor(files), Storage.NoProgress, CancellationToken.None);
        await Storage.UnpackAsync(temp["a.tar.gz"], temp.Folder("out"));
        Assert.Equal(TreeText.Of(temp["storage"]), TreeText.Of(temp["out"]));
    }

    [Fact]
    public async Task A_manifest_longer_than_its_room_is_written_all_the_same()
    {
        temp.File("storage/data", new byte[2_000_000]);
        var sources = Enumerable.Range(0, 300).Select(i => new ManifestSource { Name = $"database {i}", Engine = "sqlite", Reason = new string('r', 300) }).ToList();
        var request = Storage.RequestFor(temp["storage"]) with { Manifest = _ => Task.FromResult(Storage.AManifest() with { Sources = sources }) };
        await new ArchiveWriter(Storage.Later).WriteAsync(temp["a.tar.gz"], request, Storage.NoProgress, CancellationToken.None);

        var proof = await Storage.VerifyAsync(temp["a.tar.gz"]);
        Assert.Empty(proof.Errors);
        Assert.Equal(300, proof.Manifest!.Sources.Count);
        var (manifest, report) = await new ArchiveReader().ReadFactsAsync(temp["a.tar.gz"], CancellationToken.None);
        Assert.Equal("database 299", manifest!.Sources[299].Name);
        Assert.NotNull(report);
        Tool.Run("tar", "tzf", temp["a.tar.gz"]);
    }

    [Fact]
    public async Task Cancelling_stops_at_once_and_leaves_no_thread_behind()
    {
        temp.File("storage/big", new byte[5_000_000]);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new ArchiveWriter(Storage.Later with { BytesPerSecond = 500_000 })
            .WriteAsync(temp["a.tar.gz"], Storage.RequestFor(temp["storage"]), Storage.NoProgress, cancel.Token));
        File.Delete(temp["a.tar.gz"]);
    }

    [Fact]
    public async Task One_file_is_fetched_with_its_hash_and_a_folder_with_its_links()
    {
        var storage = RoundTripTests.OddTree(temp.Folder("storage"));
        await Storage.WriteAsync(temp["a.tar.gz"], storage);
        foreach (var name in new[] { "big", "one", "zz name of inside", "chunk+1", "-o" })
        {
            using var content = new MemoryStream();
            var entry = await new ArchiveReader().CopyEntryAsync(temp["a.tar.gz"], name, content, CancellationToken.None);
            Assert.Equal(await File.ReadAllBytesAsync(temp[$"storage/{name}"]), content.ToArray());
            Assert.Equal(64, entry.Sha256!.Length);
        }

        var missing = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().CopyEntryAsync(temp["a.tar.gz"], "nothing", Stream.Null, CancellationToken.None));
        Assert.Equal(Fault.NotFound, missing.Fault);

        // The file's own name sorts before the folder, and is not among the chosen: the link takes the content along.
        await new ArchiveReader().UnpackAsync(temp["a.tar.gz"], temp.Folder("out"), entry => entry.Name.StartsWith("folder", StringComparison.Ordinal), ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);
        Assert.Equal(await File.ReadAllTextAsync(temp["storage/folder/inside"], Encoding.Latin1), await File.ReadAllTextAsync(temp["out/folder/inside"], Encoding.Latin1));
        Assert.Equal(["folder", "folder-z"], Posix.ListNames(temp["out"]));
    }
}
