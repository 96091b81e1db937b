using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Why this service writes nothing to storage by itself, over restarts: a restore did not stand its check in place, so the disk gives back something else than was written.</summary>
/// <remarks>While it stands, no start restores what was dropped, heals or mends; what a person asks for by name is done. It ends with a restore that stood its check, or a check of all live databases that found them whole.</remarks>
internal sealed class Doubt(WorkFolders folders, TimeProvider clock)
{
    /// <summary>Said with every reason.</summary>
    public const string Ends = "POST /api/backup/restore of a backup by name, or POST /api/databases/verify when it finds every database whole, ends this.";

    private Found? found;
    private bool isLoaded;

    private string FilePath => $"{folders.State}/doubt.json";

    /// <summary>Null when there is none.</summary>
    public string? Reason => Load() is { } known ? $"{known.What} {Ends}" : null;

    public void Raise(string what)
    {
        (found, isLoaded) = (new Found(what, clock.GetUtcNow()), true);
        try
        {
            Directory.CreateDirectory(folders.State);
            AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(found, Json.Indented));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stands in memory; a disk that takes nothing has its own reasons in health.
        }
    }

    public void End()
    {
        if (Load() is not null)
        {
            found = null;
            AtomicFile.Discard(FilePath);
        }
    }

    /// <summary>A disk that gives back something else than was written may do so with this record: that it is there says enough.</summary>
    private Found Unreadable => new($"There was reason to doubt the disk, and the record of it ({FilePath}) cannot be read.", clock.GetUtcNow());

    private Found? Load()
    {
        if (!isLoaded)
        {
            isLoaded = true;
            try
            {
                found = Posix.FindStat(FilePath) is not null ? JsonSerializer.Deserialize<Found>(File.ReadAllBytes(FilePath), Json.Options) is { What.Length: > 0 } known ? known : Unreadable : null;
            }
            catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
            {
                found = Unreadable;
            }
        }

        return found;
    }

    private sealed record Found(string What, DateTimeOffset At);
}
