using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>What sources are to the application.</summary>
internal static class SourceOptions
{
    private static readonly Dictionary<string, SourceRole> Roles = new(StringComparer.OrdinalIgnoreCase) { ["state"] = SourceRole.State, ["eventlog"] = SourceRole.Eventlog };

    /// <value><c>Backup__Sources__0__Path</c> (a path or glob relative to storage) with <c>Backup__Sources__0__Role</c> (state or eventlog), then <c>__1__</c> and so on; the first that fits decides. Default: none.</value>
    public static IReadOnlyList<SourceRoleRule> Read(SettingsReader settings)
    {
        var rules = new List<SourceRoleRule>();
        foreach (var number in settings.Below("Backup__Sources").Where(key => key.Length <= 3 && key.All(char.IsAsciiDigit)).OrderBy(key => int.Parse(key, System.Globalization.CultureInfo.InvariantCulture)).ToList())
        {
            var (name, roleName) = ($"Backup__Sources__{number}__Path", $"Backup__Sources__{number}__Role");
            var pattern = settings.Text(name, "", 4000).TrimEnd('/');
            var role = settings.Choice(roleName, SourceRole.State, Roles);
            if (pattern.Length == 0 || pattern[0] == '/' || pattern.Split('/').Any(part => part is "" or "." or ".."))
            {
                settings.Add(name, pattern, "a path or glob relative to storage, such as events/*.db");
            }
            else if (!settings.IsSet(roleName))
            {
                settings.Add(roleName, null, "state or eventlog; it is missing");
            }
            else
            {
                rules.Add(new SourceRoleRule(pattern, role));
            }
        }

        return rules.Count > 0 ? rules : Array.Empty<SourceRoleRule>();
    }
}
