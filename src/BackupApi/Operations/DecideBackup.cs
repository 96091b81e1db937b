using BackupApi.Catalog;
using BackupApi.Files;

namespace BackupApi.Operations;

/// <summary>Decides whether a start or a stop takes a backup.</summary>
internal sealed class DecideBackup(ServiceSettings settings, WorkFolders folders, BackupCatalog catalog, TimeProvider clock)
{
    public bool AtStart() => settings.AutoBackupEnabled && settings.OnStart switch
    {
        StartBackup.Always => true,
        StartBackup.Never => false,
        _ => NewestAge() is not { } age || age >= settings.Interval,
    };

    /// <summary>Age of the newest backup of ours; null when there is none. One from the future counts as none: its clock cannot be believed.</summary>
    public TimeSpan? NewestAge()
    {
        var newest = catalog.List().FirstOrDefault(b => b is { IsOurs: true, Damage: null, IsSafety: false });
        var age = clock.GetUtcNow() - (newest?.ConfirmedAt ?? newest?.CreatedAt);
        return age < TimeSpan.Zero ? null : age;
    }

    /// <summary>Whether storage differs from what the newest backup saw. In any doubt it does.</summary>
    public bool HasChanged()
    {
        var newest = catalog.List().FirstOrDefault(b => b.IsOurs);
        return newest?.TreeDigest is null || newest.TreeDigest != TreeDigest.Of(TreeWalker.Walk(folders.Storage, folders.Own().Contains));
    }

    public bool AtStop() => settings is { AutoBackupEnabled: true, OnStop: StopBackup.Changed } && Directory.Exists(folders.Storage) && HasChanged();
}
