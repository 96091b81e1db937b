namespace BackupApi.Model;

/// <summary>One setting as it is in force.</summary>
/// <param name="Name">As it is set: <c>MAX_BACKUPS</c>.</param>
/// <param name="Value">As text, in the unit of the setting; <c>***</c> for a secret that is set; null for one that is not.</param>
/// <param name="From"><c>default</c>, <c>environment</c>, <c>command line</c>, <c>settings file</c> (of the platform), or <c>file PATH</c> for one given as <c>NAME_FILE</c>.</param>
internal sealed record SettingFact(string Name, string? Value, string From);

/// <summary>Every setting that was asked for, sorted by name.</summary>
internal sealed record EffectiveSettings(IReadOnlyList<SettingFact> All);
