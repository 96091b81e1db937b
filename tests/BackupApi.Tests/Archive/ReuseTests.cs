using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

public sealed class ReuseTests : IDisposable
{
    private readonly TempFolder temp = new();
    private readonly string storage;

    public ReuseTests()
    {
        storage = temp.Folder("storage");
        var random = new Random(5);
        foreach (var (name, length) in new[] { ("a.db", 1_000_000), ("plain", 600_000), ("small/one", 10), ("small/two", 20_000) })
        {
            var bytes = new byte[length];
            random.NextBytes(bytes.AsSpan(0, length / 2));
            temp.File($"storage/{name}", bytes);
        }
    }

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task Whoever_was_asked_for_the_manifest_has_ended_when_the_writing_fails()
    {
        temp.File("storage/a", "x"u8);
        var files = Storage.Capture(temp["storage"]).ConvertAll(file => file with { FromReference = true });
        var hasEnded = false;
        var request = Storage.RequestFor(files) with
        {
            Manifest = async token =>
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                finally
                {
                    await Task.Delay(50, CancellationToken.None);
                    hasEnded = true;
                }

                return Storage.AManifest();
            },
        };

        await Assert.ThrowsAsync<BackupException>(() => new ArchiveWriter(Storage.Later).WriteAsync(temp["a.tar.gz"], request, Storage.NoProgress, CancellationToken.None));
        Assert.True(hasEnded);
    }

    [Fact]
    public async Task An_unchanged_plain_file_is_not_read_and_nothing_is_compressed()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        Assert.Equal(1_000_000, facts.BytesRead); // The quiet copy of the database, which has no fingerprint.
        Assert.Equal(0, facts.BytesCompressed);
        await AssertWholeAsync("2.tar.gz");
    }

    [Fact]
    public async Task A_rewritten_page_costs_its_own_chunk_and_the_header()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        using (var handle = Posix.Open(temp["storage/a.db"], OpenFlags.ReadWrite))
        {
            RandomAccess.Write(handle, new byte[4096], 102_400);
        }

        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        Assert.InRange(facts.BytesCompressed, 65_536, 65_536 + 4096);
        await AssertWholeAsync("2.tar.gz");
    }

    [Fact]
    public async Task A_young_change_is_not_trusted()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage, settings: new());
        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"], new());
        Assert.Equal(1_620_010, facts.BytesRead);
        Assert.Equal(0, facts.BytesCompressed);
    }

    [Fact]
    public async Task A_mapped_page_that_changes_without_a_new_time_is_found()
    {
        using var file = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(temp["storage/plain"]);
        using var bytes = file.CreateViewAccessor();
        bytes.Write(300_000, (byte)1);
        await Storage.WriteAsync(temp["1.tar.gz"], storage, settings: new());

        // The page is dirty: unless the kernel has written it back just now, another store changes the content and no time of the file.
        bytes.Write(300_000, (byte)2);
        await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        await AssertWholeAsync("2.tar.gz");
    }

    [Fact]
    public async Task A_fingerprint_from_the_future_of_the_clock_is_not_trusted()
    {
        var early = new ArchiveWriterSettings { Clock = new ManualClock(TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(1)) };
        await Storage.WriteAsync(temp["1.tar.gz"], storage, settings: early);
        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        Assert.Equal(1_620_010, facts.BytesRead);
    }

    [Fact]
    public async Task A_fingerprint_of_memory_or_of_a_file_system_in_user_space_is_not_trusted()
    {
        using var memory = TestMount.Tmpfs(temp["memory"], 8);
        Directory.CreateDirectory(temp["fuse"]);
        using var fuse = await FuseFolder.MountAsync(temp["fuse"]);
        var trust = new FingerprintTrust(new ManualClock(TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1)));
        temp.File("memory/file", "content"u8);
        Assert.True(trust.IsTrusted(Posix.Stat(temp["storage/plain"]), temp["storage/plain"]));
        Assert.False(trust.IsTrusted(Posix.Stat(temp["memory/file"]), temp["memory/file"]));
        Assert.False(trust.IsTrusted(Posix.Stat(temp["fuse"]), temp["fuse"]));
    }

    [Fact]
    public async Task Fingerprints_can_be_distrusted()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var facts = await new ArchiveWriter(Storage.Later).WriteAsync(temp["2.tar.gz"], Storage.RequestFor(storage, temp["1.tar.gz"]) with { TrustFingerprints = false }, Storage.NoProgress, CancellationToken.None);
        Assert.Equal(1_620_010, facts.BytesRead);
    }

    [Fact]
    public async Task A_change_that_hides_behind_a_restored_time_is_found()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var before = Posix.Stat(temp["storage/plain"]);
        using (var handle = Posix.Open(temp["storage/plain"], OpenFlags.ReadWrite))
        {
            RandomAccess.Write(handle, "changed"u8, 300_000);
        }

        Posix.SetModified(temp["storage/plain"], before.Modified);
        await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        await AssertWholeAsync("2.tar.gz");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_number_of_threads_does_not_show(bool isIncremental)
    {
        await Storage.WriteAsync(temp["0.tar.gz"], storage);
        temp.File("storage/new", new byte[200_000]);
        var sums = new HashSet<string>(StringComparer.Ordinal);
        foreach (var threads in new[] { 1, 2, 7 })
        {
            sums.Add((await Storage.WriteAsync(temp[$"{threads}.tar.gz"], storage, isIncremental ? temp["0.tar.gz"] : null, Storage.Later with { Threads = threads })).Sha256);
        }

        Assert.Single(sums);
    }

    [Fact]
    public async Task A_rotten_chunk_is_named_and_compressed_anew()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var archive = await File.ReadAllBytesAsync(temp["1.tar.gz"]);
        archive[100_000] ^= 1;
        await File.WriteAllBytesAsync(temp["1.tar.gz"], archive);

        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        Assert.Contains("does not match its checksum", Assert.Single(facts.Observations.ReferenceRot).Message, StringComparison.Ordinal);
        Assert.InRange(facts.BytesCompressed, 1, 140_000);
        await AssertWholeAsync("2.tar.gz");
    }

    [Fact]
    public async Task A_rotten_chunk_of_an_unread_file_makes_it_be_read()
    {
        File.Delete(temp["storage/a.db"]);
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var archive = await File.ReadAllBytesAsync(temp["1.tar.gz"]);
        archive[200_000] ^= 1;
        await File.WriteAllBytesAsync(temp["1.tar.gz"], archive);

        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        Assert.NotEmpty(facts.Observations.ReferenceRot);
        Assert.Equal(600_000, facts.BytesRead);
        await AssertWholeAsync("2.tar.gz");
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("foreign")]
    [InlineData("cut")]
    public async Task A_reference_that_cannot_be_used_means_a_full_run(string kind)
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        switch (kind)
        {
            case "missing":
                File.Delete(temp["1.tar.gz"]);
                break;
            case "foreign":
                Tool.Run("tar", "czf", temp["1.tar.gz"], "-C", storage, ".");
                break;
            default:
                var archive = await File.ReadAllBytesAsync(temp["1.tar.gz"]);
                await File.WriteAllBytesAsync(temp["1.tar.gz"], archive[..^5000]);
                break;
        }

        var facts = await Storage.WriteAsync(temp["2.tar.gz"], storage, temp["1.tar.gz"]);
        Assert.Equal(0, facts.BytesCarriedOver);
        await AssertWholeAsync("2.tar.gz");
    }

    [Fact]
    public async Task An_unchanged_database_is_carried_over_without_a_copy()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var files = Storage.Capture(storage).ConvertAll(file => file.IsQuiet ? file with { FromReference = true, ContentPath = null } : file);
        var facts = await new ArchiveWriter(Storage.Later).WriteAsync(temp["2.tar.gz"], Storage.RequestFor(files, temp["1.tar.gz"]), Storage.NoProgress, CancellationToken.None);
        Assert.Equal(0, facts.BytesRead);
        await AssertWholeAsync("2.tar.gz");
    }

    [Fact]
    public async Task A_database_that_cannot_be_carried_over_is_a_fault_not_a_gap()
    {
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        var archive = await File.ReadAllBytesAsync(temp["1.tar.gz"]);
        archive[100_000] ^= 1;
        await File.WriteAllBytesAsync(temp["1.tar.gz"], archive);
        var files = Storage.Capture(storage).ConvertAll(file => file.IsQuiet ? file with { FromReference = true, ContentPath = null } : file);
        var fault = await Assert.ThrowsAsync<BackupException>(() => new ArchiveWriter(Storage.Later).WriteAsync(temp["2.tar.gz"], Storage.RequestFor(files, temp["1.tar.gz"]), Storage.NoProgress, CancellationToken.None));
        Assert.Equal(Fault.ArchiveDamaged, fault.Fault);
    }

    [Fact]
    public async Task Nothing_changed_is_told_apart_from_something()
    {
        File.Delete(temp["storage/a.db"]);
        await Storage.WriteAsync(temp["1.tar.gz"], storage);
        Assert.True(await MatchesAsync());

        Posix.SetMode(temp["storage/plain"], 0x180);
        Assert.False(await MatchesAsync());
        await Storage.WriteAsync(temp["2.tar.gz"], storage);
        Posix.Rename(temp["2.tar.gz"], temp["1.tar.gz"]);
        Assert.True(await MatchesAsync());

        temp.File("storage/zz", "one more"u8);
        Assert.False(await MatchesAsync());
        File.Delete(temp["1.tar.gz"]);
        Assert.False(await MatchesAsync());
    }

    private Task<bool> MatchesAsync() => new ArchiveReader().MatchesAsync(temp["1.tar.gz"], Storage.Capture(storage), CancellationToken.None);

    private async Task AssertWholeAsync(string archive)
    {
        Assert.Empty((await Storage.VerifyAsync(temp[archive])).Errors);
        var into = temp.Folder($"out of {archive}");
        await Storage.UnpackAsync(temp[archive], into);
        Assert.Equal(TreeText.Of(storage), TreeText.Of(into));
    }
}
