using System.Text;
using System.Text.RegularExpressions;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Which names a restore is about: files, folders with all below them, and globs, relative to storage.</summary>
/// <remarks><c>*</c> and <c>?</c> stay within one part of a path, <c>**</c> crosses them. A database is never divided: one selected file of it selects it whole.</remarks>
internal sealed class SelectPaths
{
    private const int MaxPatterns = 1000;
    private const int MaxPatternLength = 4096;

    private readonly HashSet<string> exact = new(StringComparer.Ordinal);
    private readonly List<Regex> globs = [];
    private readonly Dictionary<Regex, string> asWritten = [];

    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>: a pattern that leaves storage, is empty, or too long.</exception>
    public SelectPaths(IReadOnlyList<string> patterns)
    {
        if (patterns.Count > MaxPatterns)
        {
            throw Invalid($"More than {MaxPatterns} paths were given.");
        }

        foreach (var pattern in patterns)
        {
            Add(pattern);
        }
    }

    /// <summary>How many different ones were given.</summary>
    public int Count => exact.Count;

    /// <summary>No path was given: the restore is about everything.</summary>
    public bool IsEverything => exact.Count == 0;

    /// <summary>To be shown every name of a backup; knows then which paths lead to nothing.</summary>
    public UnmatchedPaths NoneSeen() => new(exact, asWritten);

    /// <summary>Whether a path, or a folder it lies in, was asked for.</summary>
    public bool Matches(string path)
    {
        if (IsEverything)
        {
            return true;
        }

        for (var end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            var part = path[..end];
            if (exact.Contains(part) || globs.Exists(glob => glob.IsMatch(part)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The names asked for in these trees, whole databases included, as a question about a path.</summary>
    public Func<string, bool> Within(IEnumerable<FoundSource> sources)
    {
        if (IsEverything)
        {
            return static _ => true;
        }

        var whole = sources.Where(found => found.Source.Engine != Source.PlainFiles && (Matches(found.Source.Name) || found.Source.Files.Any(Matches))).Select(found => found.Source).ToList();
        var members = whole.SelectMany(source => source.Files).ToHashSet(StringComparer.Ordinal);
        var folders = whole.Select(source => source.Name + "/").ToList();
        return path => Matches(path) || members.Contains(path) || folders.Exists(folder => path.StartsWith(folder, StringComparison.Ordinal));
    }

    private void Add(string pattern)
    {
        var clean = PathText.Parse(pattern).TrimEnd('/');
        if (clean.StartsWith("./", StringComparison.Ordinal))
        {
            clean = clean[2..];
        }

        if (clean.Length is 0 or > MaxPatternLength || clean[0] == '/' || clean.Contains('\0', StringComparison.Ordinal) || clean.Split('/').Any(part => part is "" or "." or ".."))
        {
            throw Invalid($"'{PathText.Show(clean)}' is not a path inside storage.");
        }

        // A name may hold a '*' itself, so a pattern stands for its own letters too.
        exact.Add(clean);
        if (clean.AsSpan().IndexOfAny('*', '?') >= 0)
        {
            var glob = new Regex(ToRegex(clean), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeSpan.FromSeconds(5));
            globs.Add(glob);
            asWritten.Add(glob, clean);
        }
    }

    private static string ToRegex(string glob)
    {
        var regex = new StringBuilder("^");
        for (var i = 0; i < glob.Length; i++)
        {
            var isDouble = glob[i] == '*' && i + 1 < glob.Length && glob[i + 1] == '*';
            if (isDouble && i + 2 < glob.Length && glob[i + 2] == '/')
            {
                regex.Append("(.*/)?");
                i += 2;
            }
            else if (isDouble)
            {
                regex.Append(".*");
                i++;
            }
            else
            {
                _ = glob[i] switch
                {
                    '*' => regex.Append("[^/]*"),
                    '?' => regex.Append("[^/]"),
                    var c => regex.Append(Regex.Escape(c.ToString())),
                };
            }
        }

        return regex.Append('$').ToString();
    }

    private static BackupException Invalid(string what) =>
        new(Fault.InvalidRequest, what, "Give paths as GET /api/backup/{name}/files shows them: relative, with '/', without '..'; '*', '?' and '**' are allowed.");
}
