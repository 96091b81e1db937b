using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>Archives made to do harm: each is refused with its own message, and nothing outside the folder is touched.</summary>
public sealed class HostileTests : IDisposable
{
    private readonly TempFolder temp = new();

    public HostileTests()
    {
        temp.File("victim", "untouched"u8);
        temp.Folder("out");
    }

    public void Dispose() => temp.Dispose();

    public static TheoryData<string, string> Climbing() => new()
    {
        { "../victim", "climbs out" },
        { "a/../../victim", "climbs out" },
        { "./../victim", "climbs out" },
        { "a/..", "climbs out" },
        { "/etc/cron.d/x", "is absolute" },
        { "//etc/x", "is absolute" },
        { "C:/Windows/x", "drive letter" },
        { "c:\\Windows\\x", "drive letter" },
        { new string('n', 300), "longer than 255" },
    };

    [Theory]
    [MemberData(nameof(Climbing))]
    public async Task A_name_that_climbs_out_is_refused(string name, string message)
    {
        await RefusedAsync(new RawTar().File(name, "x"u8), Fault.ArchiveHostile, message);
        await RefusedAsync(new RawTar().File("f", "x"u8).Pax(RawTar.Record("path", name)).File("innocent", "x"u8), Fault.ArchiveHostile, message);
        await RefusedAsync(new RawTar().Altered("././@LongLink", name.Length + 1, block => block[156] = (byte)'L').Content([.. PathText.Encode(name), 0]).File("innocent", "x"u8), Fault.ArchiveHostile, message);
    }

    [Fact]
    public Task A_nul_in_a_name_is_refused() => RefusedAsync(new RawTar().Pax(RawTar.Record("path", "a\0b")).File("innocent", "x"u8), Fault.ArchiveHostile, "NUL");

    [Fact]
    public Task A_file_through_a_symlink_is_refused() => RefusedAsync(new RawTar().Link("way", "..").File("way/victim", "x"u8), Fault.ArchiveHostile, "not a folder");

    [Fact]
    public Task A_folder_over_a_symlink_is_refused() => RefusedAsync(new RawTar().Link("way", "..").Folder("way").File("way/victim", "x"u8), Fault.ArchiveHostile, "with the name of a symlink before it");

    [Fact]
    public Task A_deep_way_through_a_symlink_is_refused() => RefusedAsync(new RawTar().Folder("a").Link("a/way", "../..").File("a/way/b/victim", "x"u8), Fault.ArchiveHostile, "not a folder");

    [Theory]
    [InlineData("../victim", "climbs out")]
    [InlineData("/etc/passwd", "is absolute")]
    [InlineData("missing", "not a file unpacked before it")]
    public Task A_hard_link_to_something_else_is_refused(string target, string message) =>
        RefusedAsync(new RawTar().Link("link", target, EntryKind.HardLink), Fault.ArchiveHostile, message);

    [Fact]
    public Task A_hard_link_through_a_symlink_is_refused() =>
        RefusedAsync(new RawTar().Link("way", "..").Link("link", "way/victim", EntryKind.HardLink), Fault.ArchiveHostile, "not made of folders unpacked before it");

    [Fact]
    public Task A_hard_link_to_a_symlink_is_refused() =>
        RefusedAsync(new RawTar().Link("way", "../victim").Link("link", "way", EntryKind.HardLink), Fault.ArchiveHostile, "which is a symlink");

    [Theory]
    [InlineData('3')]
    [InlineData('4')]
    [InlineData('6')]
    [InlineData('M')]
    public Task A_device_or_worse_is_refused(char type) => RefusedAsync(new RawTar().Altered("thing", 0, block => block[156] = (byte)type), Fault.ArchiveHostile, "thing");

    [Fact]
    public Task A_second_file_of_one_name_is_refused() => RefusedAsync(new RawTar().File("a", "1"u8).File("./a", "2"u8), Fault.ArchiveHostile, "comes twice");

    [Fact]
    public async Task A_folder_may_come_twice_and_names_may_differ_in_case_only()
    {
        var result = await UnpackAsync(new RawTar().Folder("a").File("a/x", "1"u8).Folder("a").File("a/X", "2"u8).WriteGzip(temp["fine"]));
        Assert.Equal(4, result.Entries);
        Assert.Equal("2", await File.ReadAllTextAsync(temp["out/a/X"]));
    }

    [Fact]
    public async Task Our_own_folder_is_never_unpacked()
    {
        await UnpackAsync(new RawTar().File(".backup/x", "1"u8).File("./.backup//y", "1"u8).File("z", "1"u8).WriteGzip(temp["own"]));
        Assert.Equal(["z"], Posix.ListNames(temp["out"]));
    }

    [Theory]
    [InlineData("S", "sparse")]
    [InlineData("pax", "sparse")]
    public Task A_sparse_entry_is_refused(string kind, string message) => RefusedAsync(
        kind == "S" ? new RawTar().Altered("thing", 0, block => block[156] = (byte)'S') : new RawTar().Pax(RawTar.Record("GNU.sparse.major", "1")).File("thing", "x"u8),
        Fault.ArchiveHostile,
        message);

    [Theory]
    [InlineData("9223372036854775807", "impossible size")]
    [InlineData("-1", "unreadable size")]
    [InlineData("1e3", "unreadable size")]
    [InlineData("100000", "stops inside")]
    public Task A_wrong_size_is_damage(string size, string message) =>
        RefusedAsync(new RawTar().Pax(RawTar.Record("size", size)).File("thing", "x"u8), Fault.ArchiveDamaged, message);

    [Fact]
    public Task A_negative_binary_size_is_damage() =>
        RefusedAsync(new RawTar().Altered("thing", 0, block => block.AsSpan(124, 12).Fill(0xFF)), Fault.ArchiveDamaged, "impossible size");

    [Fact]
    public Task A_link_with_content_is_damage() =>
        RefusedAsync(new RawTar().Altered("thing", 512, block => (block[156], block[157]) = ((byte)'2', (byte)'x')).Content(new byte[512]), Fault.ArchiveDamaged, "no content");

    [Theory]
    [InlineData("5 a=b")]
    [InlineData("99 path=x\n")]
    [InlineData("0 path=x\n")]
    [InlineData("x path=x\n")]
    [InlineData("8 =abcd\n")]
    public Task Unreadable_pax_records_are_damage(string records) => RefusedAsync(new RawTar().Pax(records).File("thing", "x"u8), Fault.ArchiveDamaged, "pax header");

    [Fact]
    public Task A_gigabyte_of_pax_header_is_damage() =>
        RefusedAsync(new RawTar().Altered("PaxHeaders/x", 1 << 30, block => block[156] = (byte)'x'), Fault.ArchiveDamaged, "announces");

    [Fact]
    public async Task A_tar_that_just_stops_is_damage()
    {
        var whole = new RawTar().File("thing", "content"u8);
        var fault = await Assert.ThrowsAsync<BackupException>(() => UnpackAsync(whole.WriteGzip(temp["stops"], whole.ToCutTar())));
        Assert.Equal(Fault.ArchiveDamaged, fault.Fault);
    }

    [Fact]
    public async Task A_bomb_is_refused_before_it_fills_the_disk()
    {
        var tar = new RawTar().File("zeros", new byte[64 << 20]);
        var path = tar.WriteGzip(temp["bomb"]);
        var limits = new ArchiveLimits(10 << 20);
        var fault = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().UnpackAsync(path, temp["out"], static _ => true, limits, Storage.NoProgress, CancellationToken.None));
        Assert.Equal(Fault.ArchiveHostile, fault.Fault);
        Assert.NotEmpty((await new ArchiveReader().VerifyAsync(path, limits, Storage.NoProgress, CancellationToken.None)).Errors);
        fault = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().UnpackAsync(path, temp["out"], static _ => true, new ArchiveLimits(1 << 30, MaxRatio: 100), Storage.NoProgress, CancellationToken.None));
        Assert.Contains("bomb", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_entries_are_refused()
    {
        var tar = new RawTar();
        for (var i = 0; i < 50; i++)
        {
            tar.File($"{i}", ""u8);
        }

        var path = tar.WriteGzip(temp["many"]);
        var fault = await Assert.ThrowsAsync<BackupException>(() => new ArchiveReader().UnpackAsync(path, temp["out"], static _ => true, new ArchiveLimits(long.MaxValue, MaxEntries: 49), Storage.NoProgress, CancellationToken.None));
        Assert.Equal(Fault.ArchiveHostile, fault.Fault);
    }

    [Fact]
    public async Task Unprivileged_facts_of_a_foreign_tar_are_read_as_they_are()
    {
        // GNU base-256 owner, long names by L, a leading ./ and a v7 folder that only a slash tells.
        var longName = $"{new string('d', 90)}/{new string('f', 90)}";
        await UnpackAsync(new RawTar()
            .Altered("owned", 0, block => { block.AsSpan(108, 8).Clear(); block[108] = 0x80; block[114] = 1; })
            .Altered("v7/", 0, block => { block[156] = 0; block.AsSpan(257, 8).Clear(); })
            .Altered("././@LongLink", longName.Length + 1, block => block[156] = (byte)'L').Content([.. PathText.Encode(longName), 0]).File("cut", "x"u8)
            .WriteGzip(temp["gnu"]));
        Assert.Equal(256u, Posix.Stat(temp["out/owned"]).Uid);
        Assert.Equal(FileKind.Directory, Posix.Stat(temp["out/v7"]).Kind);
        Assert.Equal(1, Posix.Stat(temp[$"out/{longName}"]).Size);
    }

    private Task<UnpackResult> UnpackAsync(string path) => Storage.UnpackAsync(path, temp["out"]);

    private async Task RefusedAsync(RawTar tar, Fault fault, string message)
    {
        File.Delete(temp["hostile"]);
        TreeRemoval.Remove(temp["out"]);
        temp.Folder("out");
        tar.WriteGzip(temp["hostile"]);
        var before = TreeText.Of(temp.Path, IsOut);
        var thrown = await Assert.ThrowsAsync<BackupException>(() => UnpackAsync(temp["hostile"]));
        Assert.Equal(fault, thrown.Fault);
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(before, TreeText.Of(temp.Path, IsOut));
    }

    private static bool IsOut(string name) => name == "out" || name.StartsWith("out/", StringComparison.Ordinal);
}
