using System.IO.Compression;
using BackupApi.Archive;
using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

public sealed class FormatTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(70_000, 65_536)]
    [InlineData(5, 1_000_001)]
    public void Crcs_of_two_pieces_combine_to_that_of_the_whole(int first, int second)
    {
        var bytes = new byte[first + second];
        new Random(1).NextBytes(bytes);
        Assert.Equal(ChunkCodec.Crc32Of(bytes), Crc32Combination.Combine(ChunkCodec.Crc32Of(bytes.AsSpan(0, first)), ChunkCodec.Crc32Of(bytes.AsSpan(first)), second));
    }

    [Fact]
    public void Crc_32C_is_the_same_whatever_the_length_and_the_pieces()
    {
        var bytes = new byte[20_000];
        new Random(3).NextBytes(bytes);
        foreach (var length in (int[])[0, 1, 7, 8, 1023, 3071, 3072, 3073, 3080, 6143, 6144, 6151, 9216, 20_000])
        {
            var byByte = uint.MaxValue;
            foreach (var b in bytes.AsSpan(0, length))
            {
                byByte = System.Numerics.BitOperations.Crc32C(byByte, b);
            }

            Assert.Equal(~byByte, Crc32C.Of(bytes.AsSpan(0, length)));
            Assert.Equal(byByte, Crc32C.Append(Crc32C.Append(uint.MaxValue, bytes.AsSpan(0, length / 3)), bytes.AsSpan(length / 3, length - (length / 3))));
        }
    }

    [Theory]
    [InlineData("text", false)]
    [InlineData("random", true)]
    [InlineData("zeros", false)]
    [InlineData("repeated random", false)]
    public void Only_what_cannot_be_shortened_is_stored(string kind, bool isStored)
    {
        var content = new byte[65_536];
        var random = new Random(2);
        switch (kind)
        {
            case "text":
                for (var i = 0; i < content.Length; i++)
                {
                    content[i] = (byte)random.Next('a', 'z');
                }

                break;
            case "random":
                random.NextBytes(content);
                break;
            case "repeated random":
                random.NextBytes(content.AsSpan(0, 16_384));
                for (var i = 16_384; i < content.Length; i++)
                {
                    content[i] = content[i - 16_384];
                }

                break;
        }

        var target = new byte[ChunkCodec.MaxCompressedLength(content.Length)];
        var (length, crc) = ChunkCodec.Compress(content, target, target.Length, level: 5);
        Assert.Equal(isStored, length == ArchiveLayout.StoredLength(content.Length));
        var inflated = new byte[content.Length];
        Assert.True(ChunkCodec.TryInflate(target.AsSpan(0, length), inflated, crc, new byte[ChunkCodec.FrameLength(length)]));
        Assert.Equal(content, inflated);
        Assert.False(ChunkCodec.TryInflate(target.AsSpan(0, length), inflated, crc ^ 1, new byte[ChunkCodec.FrameLength(length)]));
        Assert.False(ChunkCodec.TryInflate(target.AsSpan(0, length - 1), inflated, crc, new byte[ChunkCodec.FrameLength(length)]));
    }

    [Fact]
    public void Any_row_of_chunks_is_one_gzip_member()
    {
        using var file = new MemoryStream();
        file.Write(ArchiveLayout.GzipHeader);
        uint crc = 0;
        var whole = new List<byte>();
        foreach (var length in new[] { 1, 65_536, 300, 65_535, 0, 20_000 })
        {
            var content = new byte[length];
            new Random(length).NextBytes(content.AsSpan(0, length == 65_536 ? length : length / 3));
            var target = new byte[ChunkCodec.MaxCompressedLength(length)];
            var (compressed, part) = ChunkCodec.Compress(content, target, target.Length, level: 6);
            file.Write(target, 0, compressed);
            crc = Crc32Combination.Combine(crc, part, length);
            whole.AddRange(content);
        }

        file.Write(ArchiveLayout.EmptyFinalBlock);
        file.Write(BitConverter.GetBytes(crc));
        file.Write(BitConverter.GetBytes(whole.Count));
        file.Position = 0;
        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var inflated = new MemoryStream();
        gzip.CopyTo(inflated);
        Assert.Equal(whole, inflated.ToArray());
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("a", "a/b")]
    [InlineData("a/b", "a-b")]
    [InlineData("a/z", "a!")]
    [InlineData("a", "a\n")]
    [InlineData("Z", "a")]
    [InlineData("é", "\uDCFF")]
    [InlineData("\uFFFD", "\U0001F600")]
    public void Names_ascend_by_bytes_and_a_folder_stays_together(string first, string second)
    {
        Assert.True(EntryOrder.Instance.Compare(first, second) < 0);
        Assert.True(EntryOrder.Instance.Compare(second, first) > 0);
    }

    [Theory]
    [InlineData(0, 0, "0.000000000")]
    [InlineData(5, 7, "5.000000007")]
    [InlineData(-1, 500_000_000, "-0.500000000")]
    [InlineData(-2, 500_000_000, "-1.500000000")]
    [InlineData(-2, 0, "-2.000000000")]
    public void Times_before_1970_are_written_with_a_sign(long seconds, uint nanoseconds, string text)
    {
        Assert.Equal(text, PaxTime.Format(new UnixTime(seconds, nanoseconds)));
        Assert.True(PaxTime.TryParse(text, out var time));
        Assert.Equal(new UnixTime(seconds, nanoseconds), time);
    }

    [Fact]
    public async Task A_large_index_is_found_by_name_page_after_page()
    {
        using var temp = new TempFolder();
        temp.Folder("storage");
        var random = new Random(9);
        for (var i = 0; i < 3000; i++)
        {
            temp.File($"storage/{i % 7}/{random.Next()} with quite a long name to fill the pages of the index {i:D5}", BitConverter.GetBytes(i));
        }

        // So large that its chunks fill pages of their own, with names before and behind it.
        using (var handle = Posix.CreateNew(temp["storage/3.huge.db"]))
        {
            for (var i = 0; i < 2500; i++)
            {
                RandomAccess.Write(handle, BitConverter.GetBytes(i), i * 131_072L);
            }
        }

        await Storage.WriteAsync(temp["a.tar.gz"], temp["storage"]);
        var names = new List<string>();
        await foreach (var entry in new ArchiveReader().ListAsync(temp["a.tar.gz"], CancellationToken.None))
        {
            names.Add(entry.Name);
        }

        Assert.Equal(3008, names.Count);
        foreach (var name in names.Where((name, i) => name.Contains("name", StringComparison.Ordinal) && i % 50 == 0))
        {
            using var content = new MemoryStream();
            await new ArchiveReader().CopyEntryAsync(temp["a.tar.gz"], name, content, CancellationToken.None);
            Assert.Equal(int.Parse(name[^5..]), BitConverter.ToInt32(content.ToArray()));
        }
    }

    [Fact]
    public async Task The_example_of_the_documentation_stays_readable()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "TestData", "archive-v1.tar.gz");
        Assert.Equal(3859, new FileInfo(path).Length);
        var proof = await Storage.VerifyAsync(path);
        Assert.Empty(proof.Errors);
        Assert.True(proof.HasChecksums);
        using var content = new MemoryStream();
        var entry = await new ArchiveReader().CopyEntryAsync(path, "hello.txt", content, CancellationToken.None);
        Assert.Equal("hello, world\n"u8.ToArray(), content.ToArray());
        Assert.Equal(new UnixTime(1795176000, 123456789), entry.Modified);
    }

    [Fact]
    public async Task A_file_that_reads_back_differently_is_noticed()
    {
        using var temp = new TempFolder();
        var bytes = new byte[100_000];
        new Random(4).NextBytes(bytes);
        var path = temp.File("archive", bytes);
        var expected = new BackupApi.Archive.Writing.ReadBack.Expected(1000, Crc32C.Of(bytes.AsSpan(0, 1000)), Crc32C.Of(bytes.AsSpan(1000)));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)), await FindAsync(bytes.Length));
        Assert.Null(await FindAsync(bytes.Length + 1));
        foreach (var place in new[] { 0, 999, 1000, 99_999 })
        {
            bytes[place] ^= 1;
            await File.WriteAllBytesAsync(path, bytes);
            Assert.Null(await FindAsync(bytes.Length));
            bytes[place] ^= 1;
        }

        Task<string?> FindAsync(long length) => BackupApi.Archive.Writing.ReadBack.FindSha256Async(path, length, expected, BackupApi.Archive.Encryption.ArchiveKeys.None, Storage.NoProgress, CancellationToken.None);
    }
}
