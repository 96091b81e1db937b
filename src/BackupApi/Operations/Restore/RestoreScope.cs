using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What of a backup comes back: what was asked for by path, and of that everything, or the event logs only.</summary>
/// <remarks>A database is an event log by today's settings; where they say nothing of it, by what the backup says. A plain file is one by the settings.</remarks>
internal sealed class RestoreScope(SelectPaths paths, RestoreMode mode, SourceRoles roles, Manifest? manifest)
{
    private readonly Dictionary<string, SourceRole> archived = (manifest?.Sources ?? []).Where(source => source.Role is not null)
        .DistinctBy(source => PathText.Parse(source.Name), StringComparer.Ordinal).ToDictionary(source => PathText.Parse(source.Name), source => source.Role!.Value, StringComparer.Ordinal);

    public bool IsEverything => mode == RestoreMode.Full && paths.IsEverything;

    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>: event logs are asked for, and neither the settings nor the backup name any.</exception>
    public static RestoreScope Require(SelectPaths paths, RestoreMode mode, SourceRoles roles, Manifest? manifest)
    {
        var scope = new RestoreScope(paths, mode, roles, manifest);
        return mode == RestoreMode.Full || roles.KnowsEventlogs || scope.archived.ContainsValue(SourceRole.Eventlog) ? scope : throw new BackupException(
            Fault.InvalidRequest,
            "No source has the role eventlog, so there are no event logs to restore.",
            "Give the role by Backup__Sources__0__Path and Backup__Sources__0__Role=eventlog, or restore without 'mode'.");
    }

    /// <summary>As a question about a path; every database is selected whole or not at all.</summary>
    public Func<string, bool> Within(IReadOnlyList<FoundSource> sources)
    {
        var isAsked = paths.Within(sources);
        if (mode == RestoreMode.Full)
        {
            return isAsked;
        }

        var databases = sources.Where(found => found.Source.Engine != Source.PlainFiles).Select(found => found.Source).ToList();
        var byMember = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var (file, source) in databases.SelectMany(source => source.Files.Append(source.Name).Select(file => (file, source))))
        {
            byMember[file] = IsEventlog(source.Name);
        }

        return path => isAsked(path) && (byMember.TryGetValue(path, out var isEventlog) ? isEventlog : IsEventlog(path));
    }

    /// <summary>Whether one name was asked for by itself.</summary>
    /// <param name="database">The database it belongs to, whose role counts; null for a plain file.</param>
    public bool Asks(string path, string? database) => paths.Matches(path) && (mode == RestoreMode.Full || IsEventlog(database ?? path));

    /// <summary>Says of each path that was asked for and is not in the backup that it brought nothing back.</summary>
    /// <param name="selected">What of the backup comes back.</param>
    /// <param name="sources">Of backup and storage: one file of a database stands for all of it, also a side file that was captured into it.</param>
    /// <param name="lost">What is in the backup and does not verify; told already.</param>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: the backup holds no event log. <see cref="Fault.NotFound"/>: none of the paths is in it.</exception>
    public IReadOnlyList<Finding> RequireFound(string backup, StorageTree selected, IReadOnlyList<FoundSource> sources, IEnumerable<string> lost)
    {
        RequireEventlogs(backup, selected.Nodes.Any(node => node.Stat.Kind != FileKind.Directory));
        var unmatched = paths.NoneSeen();
        foreach (var name in selected.Nodes.Select(node => node.Path).Concat(lost))
        {
            unmatched.See(name);
        }

        return RequireMatches(backup, unmatched, name => selected.Find(name) is not null, sources);
    }

    /// <summary>The same by names that were seen already.</summary>
    public IReadOnlyList<Finding> RequireMatches(string backup, UnmatchedPaths unmatched, Func<string, bool> holds, IReadOnlyList<FoundSource> sources)
    {
        foreach (var source in sources.Select(found => found.Source).Where(source => source.Engine != Source.PlainFiles && source.Files.Append(source.Name).Any(holds)))
        {
            source.Files.ToList().ForEach(unmatched.See);
        }

        var left = unmatched.Left;
        return left.Count < paths.Count || paths.IsEverything
            ? [.. left.Select(path => new Finding(PathText.Show(path), "The backup holds nothing of this name, so nothing comes back by it."))]
            : throw new BackupException(
                Fault.NotFound,
                $"{backup} holds nothing by {(left.Count == 1 ? "the path" : "any of the paths, neither")} {string.Join(" nor ", left.Take(3).Select(path => $"'{PathText.Show(path)}'"))}, so nothing was done.",
                "GET /api/backup/{name}/files shows what it holds; upper and lower case differ.");
    }

    /// <param name="holdsAny">Something that comes back is in the backup, folders aside.</param>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: event logs are asked for, and the backup holds none.</exception>
    public void RequireEventlogs(string backup, bool holdsAny)
    {
        if (mode == RestoreMode.Eventlog && !holdsAny)
        {
            throw new BackupException(
                Fault.ArchiveIncompatible,
                $"{backup} holds no source of the role eventlog.",
                "GET /api/backup/{name} shows the sources of a backup with their roles; restore another one, or this one without 'mode'.");
        }
    }

    private bool IsEventlog(string path) => (roles.Of(path) ?? RoleThen(path)) == SourceRole.Eventlog;

    /// <summary>A file in the folder of a database has the role of that database.</summary>
    private SourceRole? RoleThen(string path)
    {
        for (var end = path.Length; archived.Count > 0 && end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (archived.TryGetValue(path[..end], out var role))
            {
                return role;
            }
        }

        return null;
    }
}
