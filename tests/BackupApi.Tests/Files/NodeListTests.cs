using BackupApi.Files;
using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Files;

public sealed class NodeListTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(4096)]
    [InlineData(20_000)]
    public void Every_node_comes_back_as_it_went_in(int count)
    {
        var random = new Random(count);
        var nodes = Enumerable.Range(0, count).Select(i => Node(random, i)).ToList();
        var list = new NodeList();
        nodes.ForEach(list.Add);

        Assert.Equal(count, list.Count);
        Assert.Equal(nodes, list);
        Assert.All(Enumerable.Range(0, count), i => Assert.Equal((nodes[i].Path, nodes[i].Stat.Kind), (list.PathAt(i), list.KindAt(i))));
    }

    [Fact]
    public void Names_beyond_the_end_are_refused()
    {
        var list = new NodeList();
        list.Add(Node(new Random(1), 1));

        Assert.Throws<ArgumentOutOfRangeException>(() => list[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => list.PathAt(-1));
    }

    private static TreeNode Node(Random random, int i)
    {
        // A byte that is not UTF-8, a letter of two bytes, the longest name: all are names on Linux.
        var name = (i % 5) switch { 0 => "\uDCFFx", 1 => "grüße", 2 => new string('n', 255), 3 => "日本", _ => "plain" };
        var folder = i % 3 == 0 ? "" : $"folder {i % 7}/deeper/";
        var kind = (FileKind)random.Next(3);
        var stat = new FileStat(
            kind,
            (uint)random.Next(0x1000),
            (uint)random.Next(3),
            (uint)random.Next(3),
            random.NextInt64(),
            (uint)random.Next(1, 4),
            (ulong)random.Next(2),
            (ulong)random.NextInt64(),
            new UnixTime(random.NextInt64(-1000, 1L << 40), (uint)random.Next(1_000_000_000)),
            new UnixTime(random.NextInt64(-1000, 1L << 40), (uint)random.Next(1_000_000_000)),
            (ulong)random.Next(2));
        return new TreeNode($"{folder}{i}{name}"[..Math.Min(255, $"{folder}{i}{name}".Length)], stat, kind == FileKind.Symlink ? $"../{i}" : null);
    }
}
