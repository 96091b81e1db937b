using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Operations;

/// <summary>What each source is to its application, by the settings.</summary>
internal sealed class SourceRoles(ServiceSettings settings)
{
    private readonly List<(SelectPaths Paths, SourceRole Role)> rules = [.. settings.Roles.Select(rule => (new SelectPaths([rule.Pattern]), rule.Role))];

    /// <summary>Whether any rule makes something an event log.</summary>
    public bool KnowsEventlogs => rules.Exists(rule => rule.Role == SourceRole.Eventlog);

    /// <summary>By the first rule that fits the path or a folder it lies in; null when none does. Also for a plain file.</summary>
    public SourceRole? Of(string path) => rules.Find(rule => rule.Paths.Matches(path)) is { Paths: not null } found ? found.Role : null;
}
