using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Files;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Writing_replaces_the_file_and_leaves_nothing_beside_it()
    {
        var path = temp.File("settings.json", "old"u8);
        AtomicFile.Write(path, "new"u8);
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal(["settings.json"], Posix.ListNames(temp.Path));
    }

    [Fact]
    public void A_partial_file_that_a_kill_left_is_in_nobodys_way()
    {
        temp.File("settings.json.partial", "half"u8);
        AtomicFile.Write(temp["settings.json"], "whole"u8);
        Assert.Equal("whole", File.ReadAllText(temp["settings.json"]));
    }

    [Fact]
    public void A_file_that_became_shorter_is_never_published()
    {
        var partial = temp.File("backup.tar.gz.partial", "short"u8);
        Assert.Throws<IOException>(() => AtomicFile.Publish(partial, temp["backup.tar.gz"], 6));
        Assert.False(File.Exists(temp["backup.tar.gz"]));
    }

    [Fact]
    public void A_new_name_never_replaces_an_existing_one()
    {
        var existing = temp.File("backup.tar.gz", "first"u8);
        var partial = temp.File("backup.tar.gz.partial", "second"u8);
        Assert.Equal(Errno.EEXIST, Assert.Throws<PosixException>(() => AtomicFile.PublishNew(partial, existing, 6)).Errno);
        Assert.Equal("first", File.ReadAllText(existing));
    }

    [Fact]
    public void A_folder_is_held_by_one_process_at_a_time()
    {
        var first = FolderLock.TryTake(temp.Path);
        Assert.NotNull(first);
        Assert.Null(FolderLock.TryTake(temp.Path));
        first.Dispose();
        using var second = FolderLock.TryTake(temp.Path);
        Assert.NotNull(second);
    }

    [Fact]
    public void Removing_a_tree_removes_links_and_not_what_they_lead_to()
    {
        var kept = temp.File("kept/file", "x"u8);
        temp.File("gone/deep/file", "x"u8);
        Posix.MakeSymlink(temp["kept"], temp["gone/link"]);
        Posix.SetMode(temp["gone/deep"], 0);
        TreeRemoval.Remove(temp["gone"]);
        Assert.True(File.Exists(kept));
        Assert.Equal(["kept"], Posix.ListNames(temp.Path));
    }
}
