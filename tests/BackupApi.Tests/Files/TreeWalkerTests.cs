using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Files;

public sealed class TreeWalkerTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Parents_come_before_children_and_names_in_the_order_of_their_bytes()
    {
        temp.File("b/2", "x"u8);
        temp.File("b/1", "x"u8);
        temp.File("B", "x"u8);
        temp.File("ä", "x"u8);
        temp.File("a", "x"u8);
        Assert.Equal(["B", "a", "b", "b/1", "b/2", "ä"], TreeWalker.Walk(temp.Path).Nodes.Select(n => n.Path));
    }

    [Fact]
    public void A_symlink_is_listed_with_its_target_and_never_followed()
    {
        temp.File("folder/inside", "x"u8);
        Posix.MakeSymlink("folder", temp["link"]);
        Posix.MakeSymlink(temp.Path, temp["loop"]);
        var tree = TreeWalker.Walk(temp.Path);
        Assert.Equal("folder", tree.Find("link")!.LinkTarget);
        Assert.Equal(["folder", "folder/inside", "link", "loop"], tree.Nodes.Select(n => n.Path));
    }

    [Fact]
    public void A_pipe_is_skipped_and_said_to_be_so()
    {
        using (var made = Process.Start("mkfifo", [temp["pipe"]]))
        {
            made.WaitForExit();
        }

        var tree = TreeWalker.Walk(temp.Path);
        Assert.Empty(tree.Nodes);
        Assert.Equal("pipe", Assert.Single(tree.Skipped).Where);
    }

    [Fact]
    public void A_name_that_is_not_utf8_is_found_and_can_be_opened()
    {
        var name = PathText.Decode([(byte)'x', 0xFE]);
        using (Posix.CreateNew($"{temp.Path}/{name}"))
        {
        }

        var node = Assert.Single(TreeWalker.Walk(temp.Path).Nodes);
        Assert.Equal(name, node.Path);
        Assert.Equal(FileKind.File, Posix.Stat($"{temp.Path}/{node.Path}").Kind);
    }

    [Fact]
    public void Our_own_folders_are_left_out_wherever_they_are_mounted()
    {
        var backups = temp.Folder("storage/deep/backups");
        temp.File("storage/deep/backups/backup_1.tar.gz", "x"u8);
        temp.File("storage/.backup/journal", "x"u8);
        temp.File("storage/data", "x"u8);
        var tree = TreeWalker.Walk(temp["storage"], new OwnFolders(backups).Contains);
        Assert.Equal(["data", "deep"], tree.Nodes.Select(n => n.Path));
    }

    [Fact]
    public void Backups_reached_through_a_link_are_a_link_and_nothing_more()
    {
        var backups = temp.Folder("backups");
        temp.File("backups/backup_1.tar.gz", "x"u8);
        temp.Folder("storage");
        Posix.MakeSymlink(backups, temp["storage/link"]);
        var node = Assert.Single(TreeWalker.Walk(temp["storage"], new OwnFolders(backups).Contains).Nodes);
        Assert.Equal(FileKind.Symlink, node.Stat.Kind);
    }

    [Fact]
    public void Equal_digests_mean_that_nothing_changed()
    {
        var file = temp.File("data", "before"u8);
        var before = TreeDigest.Of(TreeWalker.Walk(temp.Path));
        Assert.Equal(before, TreeDigest.Of(TreeWalker.Walk(temp.Path)));

        var modified = Posix.Stat(file).Modified;
        File.WriteAllText(file, "behind");
        Posix.SetModified(file, modified);
        Assert.NotEqual(before, TreeDigest.Of(TreeWalker.Walk(temp.Path)));
    }
}
