using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>What is taken for LiteDB, by content, and which files belong together.</summary>
public sealed class LiteDbRecogniseTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly byte[] database = new TinyLite().ToFile();
    private readonly byte[] encrypted = File.ReadAllBytes(Path.Combine(Fixtures.Of("litedb/d-encrypted"), "data.db"));

    [Theory]
    [InlineData("shop.db", "shop-log.db")]
    [InlineData("shop", "shop-log")]
    [InlineData("v1.2/shop", "v1.2/shop-log")]
    [InlineData("a.b.sqlite", "a.b-log.sqlite")]
    public void The_log_s_suffix_stands_before_the_extension_whatever_that_is(string data, string log)
    {
        folder.File(data, database);
        folder.File(log, [1, 2, 3]);

        var source = Assert.Single(Recognise());

        Assert.Equal(data, source.Name);
        Assert.True(source.Files.SequenceEqual(new[] { data, log }.Order(StringComparer.Ordinal), StringComparer.Ordinal));
    }

    [Fact]
    public void Sort_and_rebuild_files_belong_to_it_and_are_not_captured()
    {
        foreach (var name in (string[])["x.db", "x-tmp.db", "x-temp.db", "x-temp-1.db"])
        {
            folder.File(name, database);
        }

        Assert.Equal(["x-temp-1.db", "x-temp.db", "x-tmp.db", "x.db"], Assert.Single(Recognise()).Files);
    }

    [Fact]
    public async Task What_a_rebuild_left_is_a_source_of_its_own_whose_damage_alarms_nobody()
    {
        folder.File("x.db", database);
        folder.File("x-backup.db", File.ReadAllBytes(Path.Combine(Fixtures.Of("litedb/k-corrupt-page"), "data.db")));

        var leftover = Recognise().Single(source => source.Name == "x-backup.db");
        var verdict = await new LiteDbEngine(new LiteDbSettings(), TimeProvider.System).VerifyAsync(leftover, folder.Path, CancellationToken.None);

        Assert.True(verdict.IsProven);
        Assert.NotEmpty(verdict.Warnings);
    }

    [Fact]
    public void A_log_without_its_database_is_a_plain_file_even_when_it_begins_with_a_header_image()
    {
        var lite = new TinyLite();
        _ = lite.ToFile();
        lite.WriteHeader();
        folder.File("x-log.db", [.. lite.TakeTransaction(1).SelectMany(image => image)]);
        folder.File("y-log.db", encrypted);

        Assert.Empty(Recognise());
    }

    [Fact]
    public void An_older_format_is_recognised_with_its_journal()
    {
        var old = new byte[8192];
        "** This is a LiteDB file **"u8.CopyTo(old.AsSpan(25));
        old[52] = 7;
        folder.File("old.db", old);
        folder.File("old-journal.db", [1]);

        var source = Assert.Single(Recognise());

        Assert.Equal(("v4", 2), (source.Variant, source.Files.Count));
    }

    [Fact]
    public async Task An_older_format_is_captured_and_says_that_only_its_checksums_guard_it()
    {
        var old = new byte[8192];
        "** This is a LiteDB file **"u8.CopyTo(old.AsSpan(25));
        old[52] = 7;
        folder.File("storage/old.db", old);
        var engine = new LiteDbEngine(new LiteDbSettings(), TimeProvider.System);
        var tree = TreeWalker.Walk(folder["storage"]);
        var source = Assert.Single(engine.Recognise(tree, _ => true));

        await engine.CaptureAsync(source, tree, folder.Folder("staged"), CancellationToken.None);
        var verdict = await engine.VerifyAsync(source, folder["staged"], CancellationToken.None);

        Assert.Equal((VerificationLevel.Archive, true), (verdict.BestLevel, verdict.IsProven));
        Assert.Equal(old, File.ReadAllBytes(folder["staged/old.db"]));
    }

    [Fact]
    public void A_database_whose_magic_lost_bits_is_still_a_database()
    {
        database[40] ^= 0x10;
        folder.File("x.db", database);

        Assert.Single(Recognise());
    }

    [Fact]
    public void An_encrypted_database_is_recognised_also_when_cut()
    {
        folder.File("a.db", encrypted);
        folder.File("b.db", encrypted.AsSpan(0, encrypted.Length - 100));

        Assert.All(Recognise(), source => Assert.Equal("v5 encrypted", source.Variant));
        Assert.Equal(2, Recognise().Count());
    }

    [Fact]
    public void Noise_zeros_and_texts_are_not_taken_for_it()
    {
        var noise = new byte[16384];
        new Random(5).NextBytes(noise);
        folder.File("noise.db", noise);
        folder.File("zeros.db", new byte[16384]);
        folder.File("one.db", [1, .. new byte[16383]]);
        folder.File("short.db", [0, 0, 0, 0, 1]);
        folder.File("readme.db", "** This is a LiteDB file ** they say"u8);

        Assert.Empty(Recognise());
    }

    [Fact]
    public async Task Damage_inside_an_encrypted_database_is_found_with_its_password_only()
    {
        encrypted[3 * 8192] ^= 1;
        folder.File("x.db", encrypted);
        var source = Assert.Single(Recognise());

        var with = await new LiteDbEngine(new LiteDbSettings { PasswordOf = name => name == "x.db" ? Fixtures.Password : null }, TimeProvider.System).VerifyAsync(source, folder.Path, CancellationToken.None);
        var without = await new LiteDbEngine(new LiteDbSettings(), TimeProvider.System).VerifyAsync(source, folder.Path, CancellationToken.None);

        Assert.Contains(with.Errors, error => error.Where == "x.db page 2");
        Assert.Equal((VerificationLevel.Archive, false), (without.BestLevel, without.IsDamaged));
    }

    public void Dispose() => folder.Dispose();

    private IEnumerable<Source> Recognise() => new LiteDbEngine(new LiteDbSettings(), TimeProvider.System).Recognise(TreeWalker.Walk(folder.Path), _ => true);
}
