using System.Collections;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>The names of an archive in the order in which they go in, see <see cref="EntryOrder"/>; hard links turned so that each points at the first name of its inode in this order.</summary>
/// <remarks>Holds four bytes for each name: what is captured may be a list that makes its members when asked.</remarks>
internal sealed class EntryPlan : IReadOnlyList<CapturedFile>
{
    private readonly IReadOnlyList<CapturedFile> files;
    private readonly int[] order;

    /// <summary>By place in the order: what a hard link, or the name it once pointed at, has become.</summary>
    private readonly Dictionary<int, CapturedFile> turned = [];

    private EntryPlan(IReadOnlyList<CapturedFile> files, int[] order) => (this.files, this.order) = (files, order);

    public int Count => order.Length;

    public CapturedFile this[int index] => turned.TryGetValue(index, out var file) ? file : files[order[index]];

    /// <exception cref="InvalidOperationException">A name comes twice or is reserved: a bug of whoever captured it.</exception>
    public static EntryPlan Order(IReadOnlyList<CapturedFile> files)
    {
        var plan = new EntryPlan(files, Merge(files));
        string? before = null;
        var hasLinks = false;
        foreach (var file in plan)
        {
            if (EntryName.IsOwn(file.Name))
            {
                throw new InvalidOperationException($"The name {file.Name} is reserved.");
            }

            if (file.Name == before)
            {
                throw new InvalidOperationException($"The name {file.Name} was captured twice.");
            }

            before = file.Name;
            hasLinks |= file.HardLinkTo is not null;
        }

        if (hasLinks)
        {
            plan.TurnLinks();
        }

        return plan;
    }

    public IEnumerator<CapturedFile> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Sources give their names in order, so that few sorted runs are to be merged.</summary>
    private static int[] Merge(IReadOnlyList<CapturedFile> files)
    {
        var runs = new PriorityQueue<(int Next, int End), string>(EntryOrder.Instance);
        for (var (start, i, before) = (0, 1, files.Count > 0 ? files[0].Name : ""); i <= files.Count; i++)
        {
            var name = i < files.Count ? files[i].Name : null;
            if (files.Count > 0 && (name is null || EntryOrder.Instance.Compare(before, name) > 0))
            {
                runs.Enqueue((start, i), files[start].Name);
                start = i;
            }

            before = name ?? "";
        }

        var merged = new int[files.Count];
        for (var i = 0; i < merged.Length; i++)
        {
            var (next, end) = runs.Peek();
            merged[i] = next;
            _ = next + 1 == end ? runs.Dequeue() : runs.DequeueEnqueue((next + 1, end), files[next + 1].Name);
        }

        return merged;
    }

    private void TurnLinks()
    {
        var linked = this.Where(file => file.HardLinkTo is not null).Select(file => file.HardLinkTo!).ToHashSet(StringComparer.Ordinal);
        var contents = this.Where(file => linked.Contains(file.Name)).ToDictionary(file => file.Name, StringComparer.Ordinal);
        var first = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < Count; i++)
        {
            var file = files[order[i]];
            var target = file.HardLinkTo ?? (linked.Contains(file.Name) ? file.Name : null);
            if (target is null)
            {
                continue;
            }

            if (!contents.TryGetValue(target, out var content))
            {
                throw new InvalidOperationException($"The hard link {file.Name} points at {target}, which was not captured.");
            }

            turned.Add(i, first.TryAdd(target, file.Name)
                ? content with { Name = file.Name, HardLinkTo = null, ContentPath = content.ContentPath }
                : file with { HardLinkTo = first[target], ContentPath = null });
        }
    }
}
