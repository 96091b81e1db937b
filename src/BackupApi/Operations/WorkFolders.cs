using BackupApi.Files;

namespace BackupApi.Operations;

/// <summary>Where the service keeps what is its own, all below the backups folder, so that publishing is a rename.</summary>
internal sealed class WorkFolders(ServiceSettings settings)
{
    public string Storage => settings.StoragePath;

    public string Backups => settings.BackupsPath;

    public string Restore => settings.RestorePath;

    /// <summary>Settings changed over HTTP, the sequence counter, the log.</summary>
    public string State { get; } = $"{settings.BackupsPath}/.backupapi";

    /// <summary>Quiet copies and half archives. Whatever lies here at a start was left by a kill.</summary>
    public string Staging { get; } = $"{settings.BackupsPath}/.staging";

    /// <summary>Knows our folders wherever they appear under storage.</summary>
    public OwnFolders Own() => new(Backups, Restore, State, Staging);

    /// <summary>A new, empty folder for one operation. The caller removes it.</summary>
    public string NewStaging(string operationId)
    {
        Directory.CreateDirectory(Staging);
        var folder = $"{Staging}/{operationId}";
        Posix.MakeFolder(folder);
        return folder;
    }

    /// <summary>Makes the folders that are ours to make. Storage is the application's: it is made only for a first start, when nothing was ever backed up.</summary>
    public void Prepare(bool isFirstStart)
    {
        Directory.CreateDirectory(Backups);
        Directory.CreateDirectory(State);
        Directory.CreateDirectory(Restore);
        if (isFirstStart)
        {
            Directory.CreateDirectory(Storage);
        }
    }

    /// <summary>Removes what a kill left: half archives, records that were being replaced, and staging. Gives the names of the half archives, for the log.</summary>
    public IReadOnlyList<string> RemoveLeftovers()
    {
        var partial = Posix.ListNames(Backups).Where(name => name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal)).ToList();
        foreach (var name in partial)
        {
            Posix.Unlink($"{Backups}/{name}");
        }

        foreach (var name in Posix.ListNames(State).Where(name => name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal)))
        {
            AtomicFile.Discard($"{State}/{name}");
        }

        TreeRemoval.Remove(Staging);
        return partial;
    }
}
