using System.Collections;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>The files of several captures as one list, without a copy of it.</summary>
internal sealed class AllFiles : IReadOnlyList<CapturedFile>
{
    private readonly IReadOnlyList<IReadOnlyList<CapturedFile>> parts;
    private readonly int[] ends;

    public AllFiles(IEnumerable<CapturedSource> sources)
    {
        parts = [.. sources.Select(source => source.Capture?.Files ?? []).Where(files => files.Count > 0)];
        var end = 0;
        ends = [.. parts.Select(part => end += part.Count)];
    }

    public int Count => ends.Length == 0 ? 0 : ends[^1];

    public CapturedFile this[int index]
    {
        get
        {
            var found = Array.BinarySearch(ends, index + 1);
            var part = found < 0 ? ~found : found;
            return parts[part][index - (part == 0 ? 0 : ends[part - 1])];
        }
    }

    public IEnumerator<CapturedFile> GetEnumerator() => parts.SelectMany(static part => part).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
