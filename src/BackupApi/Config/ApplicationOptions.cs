using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>What the application says of itself by settings, beside or instead of <c>storage/.backup-app.json</c>.</summary>
internal static class ApplicationOptions
{
    private const int MaxVersions = 100;

    /// <value>
    /// <c>APP_SCHEMA_HASH</c>, one line of up to 200 characters. <c>APP_STORAGE_FORMAT</c>, a whole number from 0.
    /// <c>APP_READS_VERSIONS</c>, versions with commas, <c>2.*</c> for all that begin with <c>2.</c>. Default: none.
    /// </value>
    public static ApplicationDeclaration Read(SettingsReader settings)
    {
        var hash = settings.Text("APP_SCHEMA_HASH", "", 200);
        var versions = settings.Text("APP_READS_VERSIONS", "", 4000).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (versions.Length > MaxVersions)
        {
            settings.Add("APP_READS_VERSIONS", $"{versions.Length} versions", $"up to {MaxVersions} versions");
        }

        var format = settings.Text("APP_STORAGE_FORMAT", "", 20);
        var number = SettingText.Whole(format);
        if (format.Length > 0 && number is null or < 0)
        {
            settings.Add("APP_STORAGE_FORMAT", format, "a whole number from 0");
        }

        return new ApplicationDeclaration
        {
            SchemaHash = hash.Length == 0 ? null : hash,
            StorageFormat = number,
            ReadsVersions = versions.Length == 0 ? null : versions,
        };
    }
}
