using BackupApi.Config;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>Settings over folders that do not exist yet, with a few variables set.</summary>
internal sealed class SettingsCase : IDisposable
{
    public TempFolder Folder { get; } = new();

    public void Dispose() => Folder.Dispose();

    public (BackupApiOptions Options, IReadOnlyList<SettingError> Errors) Read(params (string Name, string Value)[] variables)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["STORAGE_PATH"] = Folder["storage"],
            ["BACKUPS_PATH"] = Folder["backups"],
            ["RESTORE_PATH"] = Folder["restore"],
        };
        foreach (var (name, value) in variables)
        {
            values[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        return BackupApiOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
    }

    public ServiceSettings Good(params (string Name, string Value)[] variables)
    {
        var (options, errors) = Read(variables);
        Assert.Empty(errors);
        return Wiring.SettingsFrom(options);
    }

    public List<string> Errors(params (string Name, string Value)[] variables) => [.. Read(variables).Errors.Select(error => error.ToString())];
}
