using BackupApi.Engines.PlainFiles;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.PlainFiles;

public sealed class PlainFilesEngineTests : IDisposable
{
    private readonly TempFolder temp = new();
    private readonly PlainFilesEngine engine = new(TimeProvider.System);

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Everything_nobody_claimed_is_one_source_folders_and_links_included()
    {
        temp.File("storage/a/app.db", "db"u8);
        temp.File("storage/a/note.txt", "n"u8);
        temp.Folder("storage/empty");
        Posix.MakeSymlink("a/note.txt", temp["storage/link"]);

        var source = Assert.Single(engine.Recognise(TreeWalker.Walk(temp["storage"]), path => path != "a/app.db"));

        Assert.Equal("(files)", source.Name);
        Assert.Equal("files", source.Engine);
        Assert.Equal(["a", "a/note.txt", "empty", "link"], source.Files);
    }

    [Fact]
    public void A_storage_where_nothing_is_free_has_no_plain_files()
    {
        temp.File("storage/app.db", "db"u8);
        Assert.Empty(engine.Recognise(TreeWalker.Walk(temp["storage"]), _ => false));
    }

    [Fact]
    public async Task The_first_of_two_hard_links_carries_the_content_and_the_later_one_names_it()
    {
        temp.File("storage/b", "same"u8);
        Posix.MakeHardLink(temp["storage/b"], temp["storage/a"]);
        temp.File("storage/c", "same"u8);

        var capture = await Capture();

        Assert.Equal(temp["storage/a"], Entry(capture, "a").ContentPath);
        Assert.Equal("a", Entry(capture, "b").HardLinkTo);
        Assert.Null(Entry(capture, "b").ContentPath);
        Assert.Null(Entry(capture, "c").HardLinkTo);
        Assert.All(capture.Files, file => Assert.False(file.IsQuiet));
    }

    [Fact]
    public async Task A_hard_link_to_a_databases_file_stays_a_file_of_its_own()
    {
        temp.File("storage/app.db", "db"u8);
        Posix.MakeHardLink(temp["storage/app.db"], temp["storage/copy"]);

        var capture = await Capture(path => path != "app.db");

        Assert.Equal(temp["storage/copy"], Assert.Single(capture.Files).ContentPath);
    }

    [Fact]
    public async Task A_symlink_is_captured_as_it_says_and_never_followed()
    {
        Directory.CreateDirectory(temp["storage"]);
        Posix.MakeSymlink("../../outside", temp["storage/link"]);

        var link = Entry(await Capture(), "link");

        Assert.Equal("../../outside", link.LinkTarget);
        Assert.Null(link.ContentPath);
    }

    [Fact]
    public async Task Names_that_are_not_utf8_are_captured_under_their_own_bytes()
    {
        Directory.CreateDirectory(temp["storage"]);
        var name = PathText.Decode([0x66, 0xFF, 0x2E, 0x62]);
        Posix.CreateNew($"{temp["storage"]}/{name}").Dispose();

        Assert.Equal(name, Assert.Single((await Capture()).Files).Name);
    }

    [Fact]
    public async Task A_file_removed_before_the_capture_is_left_out_without_a_warning()
    {
        temp.File("storage/gone", "x"u8);
        temp.File("storage/stays", "x"u8);
        var tree = TreeWalker.Walk(temp["storage"]);
        var source = engine.Recognise(tree, _ => true).Single();
        File.Delete(temp["storage/gone"]);

        var capture = await engine.CaptureAsync(source, tree, temp.Folder("into"), CancellationToken.None);

        Assert.Equal("stays", Assert.Single(capture.Files).Name);
        Assert.Empty(capture.Warnings);
    }

    [Fact]
    public async Task Plain_files_are_proven_by_the_archives_checksums_alone()
    {
        temp.File("storage/a", "x"u8);
        var verdict = await engine.VerifyAsync((await Capture()).Source, temp["storage"], CancellationToken.None);

        Assert.True(verdict.IsProven);
        Assert.Equal(VerificationLevel.Archive, verdict.Level);
        Assert.Null(verdict.Reason);
    }

    private static CapturedFile Entry(Capture capture, string name) => capture.Files.Single(file => file.Name == name);

    private Task<Capture> Capture(Func<string, bool>? isFree = null)
    {
        var tree = TreeWalker.Walk(temp["storage"]);
        return engine.CaptureAsync(engine.Recognise(tree, isFree ?? (_ => true)).Single(), tree, temp.Folder("into"), CancellationToken.None);
    }
}
