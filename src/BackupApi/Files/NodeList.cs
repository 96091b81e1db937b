using System.Collections;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Names and their facts in little memory: some 60 bytes for each name and the name itself, a folder's path only once. What is asked for is put together anew each time.</summary>
/// <remarks>Storage may hold a million files, and a backup or a restore holds its names from the walk to its end.</remarks>
internal sealed class NodeList : IReadOnlyList<TreeNode>
{
    private const int BlockLength = 4096;
    private const int ArenaLength = 1 << 16;

    private readonly List<Packed[]> blocks = [];
    private readonly List<byte[]> arenas = [];
    private readonly List<string> folders = [];
    private readonly Dictionary<string, int> placeOfFolder = new(StringComparer.Ordinal);
    private readonly List<SharedFacts> facts = [];
    private readonly Dictionary<SharedFacts, int> placeOfFacts = [];
    private readonly Dictionary<int, string> linkTargets = [];
    private int arenaUsed = ArenaLength;

    public int Count { get; private set; }

    public TreeNode this[int index]
    {
        get
        {
            ref readonly var packed = ref PackedAt(index);
            var shared = facts[packed.Facts];
            var stat = new FileStat(
                shared.Kind,
                shared.Mode,
                shared.Uid,
                shared.Gid,
                packed.Size,
                shared.Links,
                shared.Device,
                packed.Inode,
                new UnixTime(packed.ModifiedSeconds, packed.ModifiedNanoseconds),
                new UnixTime(packed.ChangedSeconds, packed.ChangedNanoseconds),
                shared.MountId);
            return new TreeNode(PathOf(packed), stat, shared.Kind == FileKind.Symlink ? linkTargets[index] : null);
        }
    }

    /// <summary>The path of a node, without its facts.</summary>
    public string PathAt(int index) => PathOf(PackedAt(index));

    /// <summary>What kind of thing a node is, without its path.</summary>
    public FileKind KindAt(int index) => facts[PackedAt(index).Facts].Kind;

    /// <summary>The size of a node in bytes, without its path.</summary>
    public long SizeAt(int index) => PackedAt(index).Size;

    public void Add(TreeNode node)
    {
        if (Count % BlockLength == 0)
        {
            // The first block of a small tree is no larger than the tree will be.
            blocks.Add(new Packed[Count == 0 ? 64 : BlockLength]);
        }
        else if (blocks.Count == 1 && Count == blocks[0].Length)
        {
            var larger = blocks[0];
            Array.Resize(ref larger, Math.Min(BlockLength, Count * 2));
            blocks[0] = larger;
        }

        var (slash, stat) = (node.Path.LastIndexOf('/'), node.Stat);
        var (arena, offset, length) = Store(PathText.Encode(node.Path[(slash + 1)..]));
        if (stat.Kind == FileKind.Symlink)
        {
            linkTargets.Add(Count, node.LinkTarget ?? "");
        }

        blocks[^1][Count % BlockLength] = new Packed(
            stat.Size,
            stat.Inode,
            stat.Modified.Seconds,
            stat.Changed.Seconds,
            stat.Modified.Nanoseconds,
            stat.Changed.Nanoseconds,
            PlaceOf(placeOfFacts, facts, new SharedFacts(stat.Kind, stat.Mode, stat.Uid, stat.Gid, stat.Links, stat.Device, stat.MountId)),
            PlaceOf(placeOfFolder, folders, slash < 0 ? "" : node.Path[..slash]),
            arena,
            (ushort)offset,
            (ushort)length);
        Count++;
    }

    public IEnumerator<TreeNode> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private ref readonly Packed PackedAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return ref blocks[index / BlockLength][index % BlockLength];
    }

    private string PathOf(in Packed packed)
    {
        var name = PathText.Decode(arenas[packed.Arena].AsSpan(packed.NameOffset, packed.NameLength));
        return folders[packed.Folder] is { Length: > 0 } folder ? $"{folder}/{name}" : name;
    }

    /// <param name="name">At most 255 bytes, as Linux has it; a longer one than an arena is refused by the copy.</param>
    private (int Arena, int Offset, int Length) Store(byte[] name)
    {
        if (arenaUsed + name.Length > ArenaLength)
        {
            arenas.Add(new byte[ArenaLength]);
            arenaUsed = 0;
        }

        name.CopyTo(arenas[^1], arenaUsed);
        arenaUsed += name.Length;
        return (arenas.Count - 1, arenaUsed - name.Length, name.Length);
    }

    private static int PlaceOf<T>(Dictionary<T, int> places, List<T> values, T value)
        where T : notnull
    {
        if (!places.TryGetValue(value, out var place))
        {
            place = values.Count;
            values.Add(value);
            places.Add(value, place);
        }

        return place;
    }

    /// <summary>What many names of a tree have in common.</summary>
    private readonly record struct SharedFacts(FileKind Kind, uint Mode, uint Uid, uint Gid, uint Links, ulong Device, ulong MountId);

    private readonly record struct Packed(
        long Size,
        ulong Inode,
        long ModifiedSeconds,
        long ChangedSeconds,
        uint ModifiedNanoseconds,
        uint ChangedNanoseconds,
        int Facts,
        int Folder,
        int Arena,
        ushort NameOffset,
        ushort NameLength);
}
