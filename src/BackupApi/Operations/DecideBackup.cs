using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Decides whether a start or a stop takes a backup.</summary>
internal sealed class DecideBackup(ServiceSettings settings, WorkFolders folders, BackupCatalog catalog, TimeProvider clock)
{
    /// <summary>How old a ctime must be for a fingerprint to be trusted.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(60);

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
    /// <param name="beyondDoubt">A file changed less than <see cref="Settling"/> before that backup counts as changed: a page mapped for writing can change again without a new time.</param>
    public bool HasChanged(StorageTree tree, bool beyondDoubt)
    {
        var newest = catalog.List().FirstOrDefault(b => b.IsOurs);
        if (newest?.TreeDigest is null || newest.TreeDigest != TreeDigest.Of(tree))
        {
            return true;
        }

        var settled = UnixTime.From(newest.CreatedAt - Settling);
        return beyondDoubt && tree.Nodes.Any(n => n.Stat.Kind == FileKind.File && n.Stat.Changed.CompareTo(settled) > 0);
    }

    /// <summary>Whether a scheduled run may confirm the last backup instead of writing an equal one: it is proven, and beyond doubt nothing changed since.</summary>
    public bool MayConfirm(Backup last, StorageTree tree) =>
        !settings.AlwaysWrite && last is { IsProven: true, IsSafety: false } && MountFacts.Of(folders.Storage).IsLocalDisk && !HasChanged(tree, beyondDoubt: true);

    /// <summary>Whether fingerprints were believed long enough, and every file is to be read again.</summary>
    public bool WantsFullRead(Backup? last) => last?.FullReadAt is not { } at || clock.GetUtcNow() - at >= settings.FullReadEvery || !MountFacts.Of(folders.Storage).IsLocalDisk;

    public bool AtStop() => settings is { AutoBackupEnabled: true, OnStop: StopBackup.Changed } && Directory.Exists(folders.Storage)
        && HasChanged(TreeWalker.Walk(folders.Storage, folders.Own().Contains), beyondDoubt: false);
}
