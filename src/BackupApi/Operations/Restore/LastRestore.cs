using System.Text.Json;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What the last restore was, and which backup holds the state before it: the way back. The restores before it are remembered too: they tell which backups led to what storage holds now.</summary>
internal sealed class LastRestore(WorkFolders folders, BackupCatalog catalog, SequenceCounter sequence)
{
    /// <summary>More than retention keeps backups to tell apart.</summary>
    private const int MaxRemembered = 200;

    private string FilePath => $"{folders.State}/last-restore.json";

    /// <summary>Where a restore stands among the backups. Asked before its journal is written.</summary>
    public RestoreOrigin Place(RestoreOrigin origin) => origin with { After = sequence.Given, Restored = origin.Restored ?? catalog.Find(origin.BackupName)?.Sequence ?? 0 };

    /// <summary>Records a restore, once: an earlier one that is settled late changes nothing.</summary>
    public void Write(RestoreOrigin origin)
    {
        var known = Find();
        if (known is not null && known.Earlier.Any(earlier => earlier.Id.Length > 0 && earlier.Id == origin.Id))
        {
            return;
        }

        IReadOnlyList<RestoreOrigin> earlier = known is null ? [] : known.Id.Length > 0 && known.Id == origin.Id ? known.Earlier : [known with { Earlier = [] }, .. known.Earlier.Take(MaxRemembered - 1)];
        Directory.CreateDirectory(folders.State);
        AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(origin with { Earlier = earlier }, Json.Indented));
    }

    /// <summary>There is a record that cannot be read, so which backups led to what storage holds is not known.</summary>
    public bool IsLost => Find() is null && File.Exists(FilePath);

    /// <summary>Null when there was none, or its record is lost.</summary>
    public RestoreOrigin? Find()
    {
        try
        {
            return Posix.FindStat(FilePath) is { Kind: FileKind.File } ? JsonSerializer.Deserialize<RestoreOrigin>(SwapFolder.ReadAll(FilePath), Json.Options) : null;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }
}
