using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>The order in which names go into an archive, see <see cref="EntryOrder"/>.</summary>
internal static class EntryPlan
{
    /// <summary>Sorts, and turns hard links so that each points at the first name of its inode in this order.</summary>
    /// <exception cref="InvalidOperationException">A name comes twice or is reserved: a bug of whoever captured it.</exception>
    public static IReadOnlyList<CapturedFile> Order(IReadOnlyList<CapturedFile> files)
    {
        var sorted = files.ToArray();
        Array.Sort(sorted, static (left, right) => EntryOrder.Instance.Compare(left.Name, right.Name));
        for (var i = 0; i < sorted.Length; i++)
        {
            if (EntryName.IsOwn(sorted[i].Name))
            {
                throw new InvalidOperationException($"The name {sorted[i].Name} is reserved.");
            }

            if (i > 0 && sorted[i].Name == sorted[i - 1].Name)
            {
                throw new InvalidOperationException($"The name {sorted[i].Name} was captured twice.");
            }
        }

        TurnLinks(sorted);
        return sorted;
    }

    private static void TurnLinks(CapturedFile[] sorted)
    {
        var linked = sorted.Where(file => file.HardLinkTo is not null).Select(file => file.HardLinkTo!).ToHashSet(StringComparer.Ordinal);
        if (linked.Count == 0)
        {
            return;
        }

        var contents = sorted.Where(file => linked.Contains(file.Name)).ToDictionary(file => file.Name, StringComparer.Ordinal);
        var first = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < sorted.Length; i++)
        {
            var target = sorted[i].HardLinkTo ?? (linked.Contains(sorted[i].Name) ? sorted[i].Name : null);
            if (target is null)
            {
                continue;
            }

            if (!contents.TryGetValue(target, out var content))
            {
                throw new InvalidOperationException($"The hard link {sorted[i].Name} points at {target}, which was not captured.");
            }

            sorted[i] = first.TryAdd(target, sorted[i].Name)
                ? content with { Name = sorted[i].Name, HardLinkTo = null, ContentPath = content.ContentPath }
                : sorted[i] with { HardLinkTo = first[target], ContentPath = null };
        }
    }
}
