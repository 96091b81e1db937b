using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>Which folders may lie where.</summary>
public sealed class FolderSettingsTests : IDisposable
{
    private readonly SettingsCase settings = new();

    public void Dispose() => settings.Dispose();

    [Theory]
    [InlineData("a", "a", "c")]
    [InlineData("a", "b", "a")]
    [InlineData("a", "b", "b")]
    [InlineData("b/storage", "b", "c")]
    [InlineData("r/storage", "b", "r")]
    [InlineData("a", "r/b", "r")]
    [InlineData("a", "a/.", "c")]
    [InlineData("a", "x/../a", "c")]
    public void Folders_that_overlap_wrongly_are_refused(string storage, string backups, string restore) =>
        Assert.NotEmpty(settings.Read(("STORAGE_PATH", settings.Folder[storage]), ("BACKUPS_PATH", settings.Folder[backups]), ("RESTORE_PATH", settings.Folder[restore])).Errors);

    [Theory]
    [InlineData("a", "a/backups", "a/restore")]
    [InlineData("a", "ab", "abc")]
    [InlineData("a", "b", "b/restore")]
    public void Our_folders_may_lie_inside_storage(string storage, string backups, string restore) =>
        Assert.Empty(settings.Read(("STORAGE_PATH", settings.Folder[storage]), ("BACKUPS_PATH", settings.Folder[backups]), ("RESTORE_PATH", settings.Folder[restore])).Errors);

    [Fact]
    public void The_same_folder_behind_a_link_is_seen_through()
    {
        settings.Folder.Folder("real/inner");
        Directory.CreateSymbolicLink(settings.Folder["link"], "real");
        Directory.CreateSymbolicLink(settings.Folder["loop"], "loop");

        Assert.NotEmpty(settings.Read(("STORAGE_PATH", settings.Folder["real"]), ("BACKUPS_PATH", settings.Folder["link"]), ("RESTORE_PATH", settings.Folder["r"])).Errors);
        Assert.NotEmpty(settings.Read(("STORAGE_PATH", settings.Folder["link/inner/deep"]), ("BACKUPS_PATH", settings.Folder["real/inner"]), ("RESTORE_PATH", settings.Folder["r"])).Errors);
        Assert.Equal(settings.Folder["real/inner/new"], settings.Read(("STORAGE_PATH", settings.Folder["link/inner/new"]), ("BACKUPS_PATH", settings.Folder["loop"]), ("RESTORE_PATH", settings.Folder["r"])).Options.Folders.StoragePath);
    }

    [Fact]
    public void A_file_where_a_folder_should_be_is_an_error() =>
        Assert.Contains("there is a file", Assert.Single(settings.Errors(("BACKUPS_PATH", settings.Folder.File("file", "x"u8)))), StringComparison.Ordinal);
}
