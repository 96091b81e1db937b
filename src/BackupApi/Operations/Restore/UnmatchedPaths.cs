using System.Text.RegularExpressions;

namespace BackupApi.Operations.Restore;

/// <summary>Which of the paths that were asked for lead to nothing, as the names of a backup go by.</summary>
/// <param name="globs">With how each was written.</param>
internal sealed class UnmatchedPaths(IEnumerable<string> asked, IEnumerable<KeyValuePair<Regex, string>> globs)
{
    private readonly HashSet<string> left = asked.ToHashSet(StringComparer.Ordinal);
    private readonly List<KeyValuePair<Regex, string>> leftGlobs = [.. globs];

    /// <summary>As they were written.</summary>
    public IReadOnlyList<string> Left => [.. left.Order(StringComparer.Ordinal)];

    /// <summary>Crosses out what this name, or a folder it lies in, was asked for by.</summary>
    public void See(string name)
    {
        for (var end = name.Length; end > 0 && left.Count > 0; end = name.LastIndexOf('/', end - 1))
        {
            var part = name[..end];
            left.Remove(part);
            foreach (var found in leftGlobs.FindAll(glob => glob.Key.IsMatch(part)))
            {
                left.Remove(found.Value);
                leftGlobs.Remove(found);
            }
        }
    }
}
