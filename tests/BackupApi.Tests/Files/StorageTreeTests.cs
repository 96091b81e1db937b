using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Files;

public sealed class StorageTreeTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Every_name_is_found_again_whatever_sorts_between_a_folder_and_what_it_holds()
    {
        foreach (var folder in (string[])["a", "a/b", "a!", "ab", "ž", "𝄞", "\uFFFDx"])
        {
            temp.Folder(folder);
            File.WriteAllText(temp[$"{folder}/file"], "");
            File.WriteAllText(temp[$"{folder}-beside"], "");
        }

        Posix.CreateNew($"{temp.Path}/a/{PathText.Decode([0xFF, 0x41])}").Dispose();
        var tree = TreeWalker.Walk(temp.Path);

        Assert.True(tree.Nodes.Count > 20);
        Assert.All(tree.Nodes, (node, place) => Assert.Equal(place, tree.PlaceOf(node.Path)));
        Assert.Null(tree.Find("a/file-"));
        Assert.Null(tree.Find(""));
    }

    [Fact]
    public void Children_and_descendants_of_a_folder_are_its_own_only()
    {
        temp.Folder("a/b/c");
        temp.Folder("a-b");
        File.WriteAllText(temp["a/b/c/deep"], "");
        File.WriteAllText(temp["a/z"], "");
        var tree = TreeWalker.Walk(temp.Path);

        Assert.Equal(["a", "a-b"], tree.ChildrenOf("").Select(node => node.Path));
        Assert.Equal(["a/b", "a/z"], tree.ChildrenOf("a").Select(node => node.Path));
        Assert.Equal(["a/b", "a/b/c", "a/b/c/deep", "a/z"], tree.Below("a").Select(node => node.Path));
        Assert.Empty(tree.ChildrenOf("a-b"));
        Assert.Empty(tree.ChildrenOf("gone"));
    }

    [Fact]
    public void A_head_in_which_nobody_is_interested_is_read_once_and_empty_from_then_on()
    {
        File.WriteAllText(temp["plain"], "some text");
        File.WriteAllText(temp["other"], "MAGIC");
        var tree = TreeWalker.Walk(temp.Path);
        var asked = 0;

        tree.PassOver((_, head) => Interlocked.Increment(ref asked) > 0 && head.StartsWith("MAGIC"u8));
        tree.PassOver((_, _) => ++asked > 0);

        Assert.Equal(2, asked);
        Assert.Equal("MAGIC"u8.ToArray(), tree.ReadHead(tree.Find("other")!));
        Assert.Empty(tree.ReadHead(tree.Find("plain")!));
    }

    [Fact]
    public void A_head_that_was_of_no_interest_is_read_again_only_when_its_file_changed()
    {
        File.WriteAllText(temp["plain"], "some text");
        File.WriteAllText(temp["replaced"], "some text");
        File.WriteAllText(temp["other"], "MAGIC");
        var memory = new HeadMemory(new FingerprintTrust(new HourAhead()));
        Assert.Equal(3, Asked(memory));
        Assert.Equal(1, Asked(memory));

        File.Delete(temp["replaced"]);
        File.WriteAllText(temp["replaced"], "MAGIC");
        Assert.Equal(2, Asked(memory));
        Assert.Equal(2, Asked(memory));
    }

    [Fact]
    public void A_full_reading_reads_every_head_and_remembers_it()
    {
        File.WriteAllText(temp["plain"], "some text");
        var memory = new HeadMemory(new FingerprintTrust(new HourAhead()));
        Assert.Equal(1, Asked(memory, readsAll: true));
        Assert.Equal(1, Asked(memory, readsAll: true));
        Assert.Equal(0, Asked(memory));
    }

    [Fact]
    public void A_head_that_was_written_within_the_last_minute_is_read_each_time()
    {
        File.WriteAllText(temp["plain"], "some text");
        var memory = new HeadMemory(new FingerprintTrust(TimeProvider.System));
        Assert.Equal(1, Asked(memory));
        Assert.Equal(1, Asked(memory));
    }

    private int Asked(HeadMemory memory, bool readsAll = false)
    {
        var asked = 0;
        TreeWalker.Walk(temp.Path).PassOver((_, head) => Interlocked.Increment(ref asked) > 0 && head.StartsWith("MAGIC"u8), memory, readsAll);
        return asked;
    }
}
