namespace BackupApi.Config;

/// <summary>Where things lie.</summary>
internal sealed record FolderOptions
{
    /// <summary>Folder the application lives in: what is backed up, and restored into.</summary>
    /// <value><c>STORAGE_PATH</c>. Default: <c>./storage</c>, relative to the working directory. Must not lie inside one of the other two.</value>
    public required string StoragePath { get; init; }

    /// <summary>Folder of the archives, of our own state and of the staging area, so that publishing is a rename.</summary>
    /// <value><c>BACKUPS_PATH</c>. Default: <c>./backups</c>. May lie inside storage: it is then never backed up itself.</value>
    public required string BackupsPath { get; init; }

    /// <summary>Folder into which a person drops an archive that is to be restored at the next start.</summary>
    /// <value><c>RESTORE_PATH</c>. Default: <c>./restore</c>. May lie inside storage or backups.</value>
    public required string RestorePath { get; init; }

    /// <summary>Floor of free room on the disks of these folders: below it nothing that writes is started, except rotation.</summary>
    /// <value><c>MIN_FREE_MB</c>, in megabytes of 1,048,576 bytes. Default: 100. From 0 to 1,000,000.</value>
    public required long MinFreeMegabytes { get; init; }

    public static FolderOptions Read(SettingsReader settings)
    {
        var storage = FolderRules.ReadFolder(settings, "STORAGE_PATH", "./storage");
        var backups = FolderRules.ReadFolder(settings, "BACKUPS_PATH", "./backups");
        var restore = FolderRules.ReadFolder(settings, "RESTORE_PATH", "./restore");
        FolderRules.RefuseOverlaps(settings, storage, backups, restore);
        return new FolderOptions
        {
            StoragePath = storage,
            BackupsPath = backups,
            RestorePath = restore,
            MinFreeMegabytes = settings.Whole("MIN_FREE_MB", 100, 0, 1_000_000, "megabytes"),
        };
    }
}
