using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What the last restore was, and which backup holds the state before it: the way back.</summary>
internal sealed class LastRestore(WorkFolders folders)
{
    private string FilePath => $"{folders.State}/last-restore.json";

    public void Write(RestoreOrigin origin)
    {
        Directory.CreateDirectory(folders.State);
        AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(origin, Json.Indented));
    }

    /// <summary>Null when there was none, or its record is lost.</summary>
    public RestoreOrigin? Find()
    {
        try
        {
            if (Posix.FindStat(FilePath) is not { Kind: FileKind.File } stat)
            {
                return null;
            }

            using var file = Posix.OpenRead(FilePath);
            var content = new byte[stat.Size];
            return JsonSerializer.Deserialize<RestoreOrigin>(content.AsSpan(0, RandomAccess.Read(file, content, 0)), Json.Options);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }
}
