using System.Collections;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.PlainFiles;

/// <summary>The plain files of one capture as they are to be written, made when they are asked for: there may be a million.</summary>
/// <param name="root">The storage they are read from.</param>
internal sealed class PlainNames(string root) : IReadOnlyList<CapturedFile>
{
    private readonly NodeList nodes = new();
    private readonly Dictionary<(ulong Device, ulong Inode), int> firstNames = [];

    /// <summary>Later names of an inode, with the place of its first.</summary>
    private readonly Dictionary<int, int> links = [];

    public int Count => nodes.Count;

    public CapturedFile this[int index]
    {
        get
        {
            var node = nodes[index];
            return node.Stat.Kind == FileKind.File
                ? links.TryGetValue(index, out var first)
                    ? new CapturedFile { Name = node.Path, Stat = node.Stat, HardLinkTo = nodes.PathAt(first) }
                    : new CapturedFile { Name = node.Path, Stat = node.Stat, ContentRoot = root }
                : new CapturedFile { Name = node.Path, Stat = node.Stat, LinkTarget = node.LinkTarget };
        }
    }

    public void Add(TreeNode node)
    {
        var stat = node.Stat;
        if (stat is { Kind: FileKind.File, Links: > 1 } && !firstNames.TryAdd((stat.Device, stat.Inode), nodes.Count))
        {
            links.Add(nodes.Count, firstNames[(stat.Device, stat.Inode)]);
        }

        nodes.Add(node);
    }

    public IEnumerator<CapturedFile> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
