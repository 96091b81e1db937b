using System.Text;
using BackupApi.Archive;
using BackupApi.Archive.Encryption;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive.Encryption;

/// <summary>An encrypted archive is read, carried over, verified and refused as any other; damage and foreign hands are noticed.</summary>
public sealed class EncryptedArchiveTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task A_folder_comes_back_as_it_was()
    {
        var storage = RoundTripTests.OddTree(temp.Folder("storage"));
        var facts = await Sealed.WriteAsync(temp["a.tar.gz.age"], storage);
        Assert.Equal(new FileInfo(temp["a.tar.gz.age"]).Length, facts.SizeBytes);
        Assert.Equal(Tool.Run("sha256sum", temp["a.tar.gz.age"]).Split(' ')[0], facts.Sha256);

        var proof = await Sealed.VerifyAsync(temp["a.tar.gz.age"]);
        Assert.Empty(proof.Errors);
        Assert.True(proof.HasChecksums);
        Assert.Equal(facts.Sha256, proof.Sha256);
        Assert.Equal("Grüße, 世界", proof.Manifest?.Label);
        Assert.NotNull((await Sealed.Reader().ReadFactsAsync(temp["a.tar.gz.age"], CancellationToken.None)).Report);

        Assert.Empty((await Sealed.UnpackAsync(temp["a.tar.gz.age"], temp.Folder("out"))).NotGivenBack);
        Assert.Equal(TreeText.Of(storage), TreeText.Of(temp["out"]));
        using var one = new MemoryStream();
        await Sealed.Reader().CopyEntryAsync(temp["a.tar.gz.age"], "folder/inside", one, CancellationToken.None);
        Assert.Equal(await File.ReadAllBytesAsync(temp["storage/folder/inside"]), one.ToArray());
        Assert.True(await Sealed.Reader().MatchesAsync(temp["a.tar.gz.age"], Storage.Capture(storage), CancellationToken.None));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task What_did_not_change_is_carried_over_whatever_was_encrypted_before(bool before, bool after)
    {
        var storage = RoundTripTests.OddTree(temp.Folder("storage"));
        await (before ? Sealed.WriteAsync(temp["1"], storage) : Storage.WriteAsync(temp["1"], storage));
        temp.File("storage/new", "new"u8);
        // The one that is not encrypted is written with the passphrase at hand too: for its predecessor.
        var settings = after ? Sealed.Settings() : Sealed.Settings(Sealed.ForReading());
        var facts = await Storage.WriteAsync(temp["2"], storage, temp["1"], settings);

        Assert.True(facts.BytesCarriedOver > 1_500_000, $"{facts.BytesCarriedOver} bytes were carried over");
        Assert.True(facts.BytesRead < 10_000, $"{facts.BytesRead} bytes were read");
        Assert.Empty(facts.Observations.ReferenceRot);
        Assert.Empty((await Sealed.VerifyAsync(temp["2"])).Errors);
        Assert.Equal(after, (await File.ReadAllTextAsync(temp["2"], Encoding.Latin1)).StartsWith("age-encryption.org/v1\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_predecessor_that_no_passphrase_opens_means_a_full_run()
    {
        temp.File("storage/data", new byte[200_000]);
        await Sealed.WriteAsync(temp["1"], temp["storage"], keys: Sealed.With("what nobody remembers"));
        var facts = await Sealed.WriteAsync(temp["2"], temp["storage"], temp["1"]);
        Assert.Equal(0, facts.BytesCarriedOver);
        Assert.Contains("passphrase", Assert.Single(facts.Observations.ReferenceRot).Message, StringComparison.Ordinal);
        Assert.Empty((await Sealed.VerifyAsync(temp["2"])).Errors);
    }

    [Fact]
    public async Task Without_the_passphrase_nothing_is_read_and_nothing_is_called_damaged()
    {
        temp.File("storage/a", "hello"u8);
        await Sealed.WriteAsync(temp["a"], temp["storage"]);
        foreach (var keys in new[] { ArchiveKeys.None, Sealed.With("another passphrase") })
        {
            var fault = await Assert.ThrowsAsync<BackupException>(() => Sealed.VerifyAsync(temp["a"], keys));
            Assert.Equal(Fault.ArchiveLocked, fault.Fault);
            Assert.Contains("BACKUP_PASSPHRASE_FILE", fault.Message + fault.Hint, StringComparison.Ordinal);
            Assert.Equal(Fault.ArchiveLocked, (await Assert.ThrowsAsync<BackupException>(() => Sealed.Reader(keys).ReadFactsAsync(temp["a"], CancellationToken.None))).Fault);
            Assert.Equal(Fault.ArchiveLocked, (await Assert.ThrowsAsync<BackupException>(() => Sealed.UnpackAsync(temp["a"], temp.Folder("out"), keys))).Fault);
            Assert.Empty(Directory.GetFileSystemEntries(temp["out"]));
        }

        Assert.Empty((await Sealed.VerifyAsync(temp["a"], Sealed.With("the new passphrase", Sealed.Passphrase))).Errors);
    }

    [Fact]
    public async Task A_manifest_longer_than_its_room_is_written_all_the_same()
    {
        temp.File("storage/data", new byte[2_000_000]);
        var sources = Enumerable.Range(0, 300).Select(i => new ManifestSource { Name = $"database {i}", Engine = "sqlite", Reason = new string('r', 300) }).ToList();
        var request = Storage.RequestFor(temp["storage"]) with { Manifest = _ => Task.FromResult(Storage.AManifest() with { Sources = sources }) };
        await new ArchiveWriter(Sealed.Settings()).WriteAsync(temp["a"], request, Storage.NoProgress, CancellationToken.None);

        var proof = await Sealed.VerifyAsync(temp["a"]);
        Assert.Empty(proof.Errors);
        Assert.Equal(300, proof.Manifest!.Sources.Count);
    }

    [Fact]
    public async Task Large_files_that_change_while_they_are_read_are_begun_anew()
    {
        // Several pieces were sealed when the writer finds out, so they are sealed under other keys, and all of them once more at the end.
        var bytes = new byte[6_000_000];
        new Random(1).NextBytes(bytes);
        var path = temp.File("storage/big", bytes);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await File.AppendAllTextAsync(path, "one more line\n");
                await Task.Delay(20);
            }
        });
        var facts = await Storage.WriteAsync(temp["a"], temp["storage"], settings: Sealed.Settings() with { BytesPerSecond = 12_000_000 });
        await stop.CancelAsync();
        await writing;

        Assert.Equal("big", Assert.Single(facts.Observations.ChangedWhileRead).Where);
        Assert.Empty((await Sealed.VerifyAsync(temp["a"])).Errors);
    }

    [Fact]
    public async Task A_changed_bit_anywhere_is_noticed() => await ChangeAsync(step: 397);

    [Fact]
    [Trait("Category", "Long")]
    public async Task A_changed_bit_at_every_byte_is_noticed() => await ChangeAsync(step: 1);

    [Fact]
    public async Task A_cut_and_an_addition_anywhere_are_noticed()
    {
        var archive = await MakeAsync();
        var keys = Sealed.Keys;
        var second = archive.Length - 40_000;
        foreach (var length in Enumerable.Range(0, 220).Concat([second, second + 1, 65_536 + 16 + 160, archive.Length - 16, archive.Length - 1]).Concat(Enumerable.Range(1, 60).Select(i => i * archive.Length / 61)))
        {
            await AssertNoticedAsync(archive[..length], keys, $"cut at {length}");
        }

        await AssertNoticedAsync([.. archive, 0], keys, "one byte more");
        await AssertNoticedAsync([.. archive, .. new byte[16]], keys, "16 bytes more");
        await AssertNoticedAsync([.. archive, .. archive[^100..]], keys, "the end twice");
    }

    [Fact]
    public async Task Pieces_in_another_order_are_noticed()
    {
        var archive = await MakeAsync();
        var start = archive.AsSpan().IndexOf("\n--- "u8) + 1 + 4 + 43 + 1 + AgePayload.NonceLength;
        var swapped = archive.ToArray();
        archive.AsSpan(start, AgePayload.SealedLength).CopyTo(swapped.AsSpan(start + AgePayload.SealedLength));
        archive.AsSpan(start + AgePayload.SealedLength, AgePayload.SealedLength).CopyTo(swapped.AsSpan(start));
        await AssertNoticedAsync(swapped, Sealed.Keys, "two pieces exchanged");

        // By the encryption itself, and not only by the checksums of what it holds.
        using var bytes = ArchiveBytes.Open(temp["b"], Sealed.Keys);
        Assert.Equal(Fault.ArchiveDamaged, Assert.Throws<BackupException>(() => bytes.Read(new byte[10], 0)).Fault);
    }

    [Fact]
    public async Task A_damaged_piece_is_named_and_the_rest_can_be_salvaged()
    {
        var archive = await MakeAsync();
        archive[archive.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(temp["b"], archive);
        var proof = await Sealed.VerifyAsync(temp["b"]);
        Assert.Contains(proof.Errors, error => error.Message.Contains("encrypted piece", StringComparison.Ordinal) && error.Message.Contains("file offset", StringComparison.Ordinal));
        Assert.Contains(proof.Errors, error => error.Where == "random");

        var result = await Sealed.Reader().SalvageAsync(temp["b"], temp.Folder("out"), static _ => true, ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);
        Assert.Equal("random", Assert.Single(result.Damaged).Where);
        Assert.Equal("small", await File.ReadAllTextAsync(temp["out/small"]));
    }

    private async Task ChangeAsync(int step)
    {
        var archive = await MakeAsync();
        var keys = Sealed.Keys;
        foreach (var i in Enumerable.Range(0, 250).Concat(Enumerable.Range(0, archive.Length / step).Select(i => i * step)))
        {
            var bit = (byte)(1 << (i % 8));
            archive[i] ^= bit;
            await AssertNoticedAsync(archive, keys, $"byte {i} of {archive.Length}");
            archive[i] ^= bit;
        }
    }

    /// <summary>Verification says so, and unpacking gives nothing but what was backed up.</summary>
    private async Task AssertNoticedAsync(byte[] archive, ArchiveKeys keys, string what)
    {
        await File.WriteAllBytesAsync(temp["b"], archive);
        try
        {
            Assert.True((await Sealed.VerifyAsync(temp["b"], keys)).Errors.Count > 0, what);
        }
        catch (BackupException e) when (e.Fault is Fault.ArchiveLocked or Fault.ArchiveIncompatible)
        {
            // A changed header is one of another passphrase, or of no kind we know.
        }

        Directory.CreateDirectory(temp["out"]);
        try
        {
            await Sealed.UnpackAsync(temp["b"], temp["out"], keys);
            Assert.Equal(TreeText.Of(temp["storage"]), TreeText.Of(temp["out"]));
        }
        catch (BackupException)
        {
            // Refused, which is right as well.
        }

        Directory.Delete(temp["out"], recursive: true);
    }

    private async Task<byte[]> MakeAsync()
    {
        var content = new byte[150_000];
        new Random(5).NextBytes(content);
        temp.File("storage/random", content);
        temp.File("storage/small", "small"u8);
        await Sealed.WriteAsync(temp["a"], temp["storage"]);
        return await File.ReadAllBytesAsync(temp["a"]);
    }
}
