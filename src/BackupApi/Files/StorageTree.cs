using System.Buffers;
using System.Collections;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>One name found under storage.</summary>
/// <param name="Path">Relative to the tree's root, with <c>/</c>; never empty.</param>
/// <param name="LinkTarget">What a symlink says, not resolved; null for everything else.</param>
internal sealed record TreeNode(string Path, FileStat Stat, string? LinkTarget)
{
    public string Folder => Path.LastIndexOf('/') is var slash and >= 0 ? Path[..slash] : "";

    public string FileName => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>The names under a folder as they stood when it was walked, parents before children, each folder sorted by bytes.</summary>
internal sealed class StorageTree
{
    /// <summary>How much of a file <see cref="ReadHead"/> gives: enough for every magic this service knows.</summary>
    public const int HeadLength = 4096;

    /// <summary>Names that one thread looks at in a row.</summary>
    private const int LookedAtOnce = 512;

    /// <summary>By place in <see cref="Nodes"/>: a look at the head showed that no kind of database begins like it. Null until <see cref="PassOver"/>.</summary>
    private BitArray? plain;

    /// <param name="nodes">In the order of a walk: <see cref="Find"/> searches by it.</param>
    public StorageTree(string root, NodeList nodes, IReadOnlyList<Finding> skipped, IReadOnlyList<Finding> unreadable)
    {
        Root = root;
        Nodes = nodes;
        Skipped = skipped;
        Unreadable = unreadable;
    }

    /// <summary>Absolute path of the folder that was walked.</summary>
    public string Root { get; }

    public NodeList Nodes { get; }

    /// <summary>What is no data and was left out, with the reason: sockets, pipes, devices, <c>lost+found</c>.</summary>
    public IReadOnlyList<Finding> Skipped { get; }

    /// <summary>What could not be looked at: folders that may not be listed, names whose facts the disk does not give.</summary>
    public IReadOnlyList<Finding> Unreadable { get; }

    /// <summary>By the order of the walk, so that a tree of a million names needs no dictionary beside it.</summary>
    public TreeNode? Find(string path) => PlaceOf(path) is var place and >= 0 ? Nodes[place] : null;

    /// <summary>The names right in a folder, in order; <c>""</c> for the root.</summary>
    public IEnumerable<TreeNode> ChildrenOf(string folder)
    {
        var (first, end) = RangeBelow(folder);
        for (var i = first; i < end; i = Nodes.KindAt(i) == FileKind.Directory ? RangeBelow(i).End : i + 1)
        {
            yield return Nodes[i];
        }
    }

    /// <summary>All names in a folder and in those below it, in order.</summary>
    public IEnumerable<TreeNode> Below(string folder)
    {
        var (first, end) = RangeBelow(folder);
        for (var i = first; i < end; i++)
        {
            yield return Nodes[i];
        }
    }

    public string FullPath(string path) => path.Length == 0 ? Root : $"{Root}/{path}";

    /// <summary>Reads the head of each regular file once, and has <see cref="ReadHead"/> pass over those in which nobody is interested. Does nothing the second time.</summary>
    /// <param name="isOfInterest">Whether a file, by its facts and its head, may belong to a database. Asked by several threads at once.</param>
    /// <param name="memory">Of earlier looks, and for later ones; null: neither.</param>
    /// <param name="readsAll">Every head is read, whatever the memory says.</param>
    public void PassOver(HeadQuestion isOfInterest, HeadMemory? memory = null, bool readsAll = false)
    {
        if (plain is not null)
        {
            return;
        }

        var looked = new bool[Nodes.Count];
        var keys = new List<UInt128>();
        Parallel.For(0, (Nodes.Count + LookedAtOnce - 1) / LookedAtOnce, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, block =>
        {
            var buffer = ArrayPool<byte>.Shared.Rent(HeadLength);
            var found = new List<UInt128>();
            for (var i = block * LookedAtOnce; i < Math.Min(Nodes.Count, (block + 1) * LookedAtOnce); i++)
            {
                if (Nodes.KindAt(i) != FileKind.File)
                {
                    continue;
                }

                var node = Nodes[i];
                var key = memory?.KeyOf(this, node);
                looked[i] = !readsAll && key is { } known && memory!.Knows(known);
                if (!looked[i])
                {
                    var length = FillHead(node, buffer);
                    looked[i] = !isOfInterest(node, buffer.AsSpan(0, length));
                    key = length < Math.Min(HeadLength, node.Stat.Size) ? null : key;
                }

                if (looked[i] && key is { } again)
                {
                    found.Add(again);
                }
            }

            ArrayPool<byte>.Shared.Return(buffer);
            lock (keys)
            {
                keys.AddRange(found);
            }
        });
        memory?.Replace(keys);
        plain = new BitArray(looked);
    }

    /// <summary>The regular files that may belong to a database, in order: without those whose head told <see cref="PassOver"/> that they do not. Empty files are among them, because a name alone may make those a database.</summary>
    public IEnumerable<TreeNode> FilesOfInterest()
    {
        for (var i = 0; i < Nodes.Count; i++)
        {
            if (Nodes.KindAt(i) == FileKind.File && (plain?[i] != true || Nodes.SizeAt(i) == 0))
            {
                yield return Nodes[i];
            }
        }
    }

    /// <summary>Up to the first <see cref="HeadLength"/> bytes of a regular file; empty when it cannot be read, is gone, or is known to hold nothing of interest. Takes no lock.</summary>
    public byte[] ReadHead(TreeNode node)
    {
        if (plain is not null && PlaceOf(node.Path) is var place and >= 0 && plain[place])
        {
            return [];
        }

        var head = new byte[(int)Math.Min(HeadLength, node.Stat.Size)];
        var length = FillHead(node, head);
        return length == head.Length ? head : head[..length];
    }

    private int FillHead(TreeNode node, byte[] buffer)
    {
        var wanted = (int)Math.Min(HeadLength, node.Stat.Size);
        if (wanted == 0)
        {
            return 0;
        }

        try
        {
            var path = FullPath(node.Path);
            using var file = Posix.OpenRead(path);
            return Posix.Read(file, path, buffer.AsSpan(0, wanted), 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private (int First, int End) RangeBelow(string folder) =>
        folder.Length == 0 ? (0, Nodes.Count) : PlaceOf(folder) is var place and >= 0 ? RangeBelow(place) : (0, 0);

    /// <summary>What lies below a folder follows it without a gap.</summary>
    private (int First, int End) RangeBelow(int folder)
    {
        var path = Nodes.PathAt(folder);
        var (low, high) = (folder + 1, Nodes.Count);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var other = Nodes.PathAt(middle);
            (low, high) = other.Length > path.Length && other[path.Length] == '/' && other.StartsWith(path, StringComparison.Ordinal) ? (middle + 1, high) : (low, middle);
        }

        return (folder + 1, low);
    }

    /// <summary>Where a name stands in <see cref="Nodes"/>; -1 when it is not there.</summary>
    public int PlaceOf(string path)
    {
        var (low, high) = (0, Nodes.Count - 1);
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            switch (PathText.ComparePaths(Nodes.PathAt(middle), path))
            {
                case 0:
                    return middle;
                case < 0:
                    low = middle + 1;
                    break;
                default:
                    high = middle - 1;
                    break;
            }
        }

        return -1;
    }
}

/// <summary>Whether a regular file may belong to a database.</summary>
/// <param name="head">Up to its first <see cref="StorageTree.HeadLength"/> bytes; empty when it cannot be read.</param>
internal delegate bool HeadQuestion(TreeNode node, ReadOnlySpan<byte> head);
