using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Hooks;

/// <summary>Remembers on disk that a "before" was tried, so that an application that waits for its "after" gets it even from the next life of this service.</summary>
internal sealed class HookMemory(WorkFolders folders)
{
    private string FilePath => $"{folders.State}/hook.json";

    /// <summary>A disk that takes nothing does not keep the operation from being done.</summary>
    public void Remember(HookCall begun)
    {
        try
        {
            AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(begun, Json.Options));
        }
        catch (IOException)
        {
            // After a kill this "after" is then not made up for.
        }
    }

    public void Forget()
    {
        try
        {
            AtomicFile.Discard(FilePath);
        }
        catch (IOException)
        {
            // The next start says once more that it is over.
        }
    }

    /// <summary>The "before" without an "after"; null when there is none.</summary>
    public HookCall? Find()
    {
        try
        {
            return File.Exists(FilePath) ? JsonSerializer.Deserialize<HookCall>(File.ReadAllBytes(FilePath), Json.Options) : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
