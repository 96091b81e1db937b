using System.IO.Compression;
using BackupApi.Archive;
using BackupApi.Archive.Chunks;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Format;
using BackupApi.Archive.Reading;
using BackupApi.Archive.Tar;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>An index that was made to take memory, or to lead astray: what it costs is bounded by what this machine has, not by what it claims.</summary>
public sealed class HostileIndexTests : IDisposable
{
    private const long Budget = 48 << 20;

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(200_000_000ul)]
    [InlineData(3_000_000ul)]
    public async Task A_directory_that_claims_millions_of_pages_takes_no_memory(ulong count)
    {
        var to = new ByteWriter();
        to.Number(count);
        var directory = new byte[30 << 20];
        to.Written.CopyTo(directory);
        await ForgeDirectoryAsync(directory);

        using var file = ArchiveFile.Open(temp["forged"], ArchiveKeys.None);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(IndexCursor.Open(file));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Budget);
    }

    [Theory]
    [InlineData(1L << 40)]
    [InlineData(long.MaxValue)]
    public async Task A_page_whose_chunks_lie_outside_of_the_content_is_refused(long chunkOffset)
    {
        await WriteHonestAsync();
        IReadOnlyList<IndexPage> pages;
        using (var file = ArchiveFile.Open(temp["honest"], ArchiveKeys.None))
        {
            pages = file.FindPages()!;
        }

        await ForgeDirectoryAsync(IndexDirectory.Write([pages[0] with { ChunkOffset = chunkOffset }]));
        await AssertRefusedAsync();
    }

    [Fact]
    public async Task A_page_that_is_listed_twice_is_refused()
    {
        await WriteHonestAsync();
        IReadOnlyList<IndexPage> pages;
        using (var file = ArchiveFile.Open(temp["honest"], ArchiveKeys.None))
        {
            pages = file.FindPages()!;
        }

        await ForgeDirectoryAsync(IndexDirectory.Write([pages[0], pages[0]]));
        await AssertRefusedAsync();
    }

    [Fact]
    public async Task A_list_of_checksums_without_a_line_end_takes_no_memory()
    {
        using (var file = new FileStream(temp["line.tar.gz"], FileMode.CreateNew))
        using (var gzip = new GZipStream(file, CompressionLevel.Optimal))
        {
            gzip.Write(new RawTar().File(Manifest.EntryName, ArchiveJson.Write(Storage.AManifest())).ToCutTar());
            const int Length = 96 << 20;
            gzip.Write(TarHeader.Write(new ArchiveEntry(".backup/SHA256SUMS", EntryKind.File, Length, 0x1A4, 0, 0, default)));
            var line = new byte[1 << 20];
            Array.Fill(line, (byte)'a');
            for (var i = 0; i < Length; i += line.Length)
            {
                gzip.Write(line);
            }

            gzip.Write(new byte[1024]);
        }

        using var opened = ArchiveFile.Open(temp["line.tar.gz"], ArchiveKeys.None);
        var tar = new TarEntryStream(new BackupApi.Archive.Gzip.GzipInput(opened.OpenFrom(0)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = new StreamVerification(ArchiveLimits.None, Storage.NoProgress).RunAsync(tar, "line.tar.gz", CancellationToken.None);
        Assert.True(reading.IsCompletedSuccessfully, "It went on on another thread, so that its memory cannot be counted here.");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Budget);
        Assert.NotEmpty((await reading).Errors);
    }

    private async Task AssertRefusedAsync()
    {
        Assert.NotEmpty((await Storage.VerifyAsync(temp["forged"])).Errors);
        var fault = await Assert.ThrowsAsync<BackupException>(() => Storage.UnpackAsync(temp["forged"], temp.Folder("out")));
        Assert.Equal(Fault.ArchiveDamaged, fault.Fault);
        var facts = await Storage.WriteAsync(temp["next.tar.gz"], temp["storage"], temp["forged"]);
        Assert.Equal(0, facts.BytesCarriedOver);
        Assert.Empty((await Storage.VerifyAsync(temp["next.tar.gz"])).Errors);
    }

    private async Task WriteHonestAsync()
    {
        temp.File("storage/a.db", new byte[200_000]);
        temp.File("storage/b", "small"u8);
        await Storage.WriteAsync(temp["honest"], temp["storage"]);
    }

    /// <summary>An archive whose locator leads to this directory; the checksums of both are right.</summary>
    private async Task ForgeDirectoryAsync(byte[] directory)
    {
        if (!File.Exists(temp["honest"]))
        {
            await WriteHonestAsync();
        }

        var bytes = await File.ReadAllBytesAsync(temp["honest"]);
        Locator at;
        using (var file = ArchiveFile.Open(temp["honest"], ArchiveKeys.None))
        {
            at = file.Locator!;
        }

        var compressed = new byte[ChunkCodec.MaxCompressedLength(directory.Length)];
        var length = ChunkCodec.Compress(directory, compressed, compressed.Length, level: 6).Length;
        var tail = bytes.Length - ArchiveLayout.TrailerLength - ArchiveLayout.TailLength;
        byte[] forged = [.. bytes.AsSpan(0, (int)at.DirectoryOffset), .. compressed.AsSpan(0, length), .. bytes.AsSpan(tail)];
        var locator = at with { FileLength = forged.Length, DirectoryCompressedLength = length, DirectoryLength = directory.Length, DirectoryCrc32C = Crc32C.Of(compressed.AsSpan(0, length)) };
        locator.Write().CopyTo(forged, forged.Length - 1544);
        await File.WriteAllBytesAsync(temp["forged"], forged);
    }
}
