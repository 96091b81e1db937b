using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What the application says of itself in <c>storage/.backup-app.json</c>; it goes into the manifest as it is.</summary>
internal static class ApplicationFacts
{
    public const string FileName = ".backup-app.json";

    /// <summary>Largest file that is read.</summary>
    private const int MaxBytes = 64 << 10;

    /// <summary>Null when there is none, or it is no JSON object of at most 64 KB: it is the application's, so it never fails a backup.</summary>
    public static JsonElement? Read(string storage)
    {
        var path = $"{storage}/{FileName}";
        try
        {
            if (Posix.FindStat(path) is not { Kind: FileKind.File, Size: > 0 and <= MaxBytes } stat)
            {
                return null;
            }

            using var file = Posix.OpenRead(path);
            var content = new byte[stat.Size];
            var length = RandomAccess.Read(file, content, 0);
            var facts = JsonSerializer.Deserialize<JsonElement>(content.AsSpan(0, length));
            return facts.ValueKind == JsonValueKind.Object ? facts : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
