using BackupApi.Archive;
using BackupApi.Cli;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Cli;

/// <summary>Archives are proven and unpacked with no service running.</summary>
public sealed class ArchiveCommandTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly StringWriter output = new();
    private readonly StringWriter errors = new();
    private readonly string archive = Path.Combine(AppContext.BaseDirectory, "TestData", "databases.tar.gz");

    public void Dispose()
    {
        folder.Dispose();
        output.Dispose();
        errors.Dispose();
    }

    [Fact]
    public async Task A_whole_archive_is_told_to_be_whole()
    {
        Assert.Equal(0, await RunAsync("verify", archive));
        Assert.Contains("is whole: 184 entries", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cut_archive_is_damaged_and_nothing_of_it_is_unpacked()
    {
        var cut = folder.File("cut.tar.gz", File.ReadAllBytes(archive).AsSpan(0, 100_000));

        Assert.Equal(1, await RunAsync("verify", cut));
        Assert.Equal(1, await RunAsync("restore", cut, folder["to"]));

        Assert.Contains("DAMAGED", output.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["to"]));
    }

    [Fact]
    public async Task An_archive_is_unpacked_into_a_folder_that_is_made()
    {
        Assert.Equal(0, await RunAsync("restore", archive, folder["new/folder"]));

        Assert.Equal("SQLite format 3", File.ReadAllText(folder["new/folder/databases/sqlite/a-clean/data.db"])[..15]);
    }

    [Fact]
    public async Task Nothing_is_unpacked_over_something()
    {
        folder.File("to/mine.txt", "mine"u8);

        Assert.Equal(1, await RunAsync("restore", archive, folder["to"]));

        Assert.Contains("is not empty", errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(folder["to"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_disk_without_room_is_left_as_it_was()
    {
        using var small = TestMount.Tmpfs(folder["small"], 20);

        Assert.Equal(1, await RunAsync("restore", archive, folder["small"]));

        Assert.Empty(Directory.GetFileSystemEntries(folder["small"]));
    }

    [Theory]
    [InlineData("nowhere.tar.gz")]
    [InlineData("")]
    public async Task A_file_that_is_not_there_is_named(string name)
    {
        Assert.Equal(1, await RunAsync("verify", folder[name]));
        Assert.Contains($"There is no file {folder[name]}", errors.ToString(), StringComparison.Ordinal);
    }

    private Task<int?> RunAsync(params string[] arguments) =>
        new CommandLine(new ArchiveCommands(new LooseArchive(new ArchiveReader()), output), new ServiceCommands(null, () => null, output), "0", output, errors).RunAsync(arguments, CancellationToken.None);
}
