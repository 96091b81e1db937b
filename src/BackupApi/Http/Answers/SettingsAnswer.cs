using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>Every setting as it is in force, sorted by name.</summary>
internal sealed record SettingsAnswer(IReadOnlyList<SettingFact> Settings)
{
    public bool Success => true;
}
