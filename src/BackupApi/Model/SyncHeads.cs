using System.Text.Json;

namespace BackupApi.Model;

/// <summary>How far an application had synchronised (<c>syncHeads</c> of what it says of itself): by the backup that was restored, and by the file that lies in storage after it. Pure.</summary>
/// <param name="InBackup">As the manifest has it; null when it says nothing.</param>
/// <param name="InStorage">As <c>.backup-app.json</c> has it after the restore; null when it says nothing.</param>
internal sealed record SyncHeads(JsonElement? InBackup, JsonElement? InStorage)
{
    private const string Name = "syncHeads";

    /// <summary>False also when only one of the two says anything.</summary>
    public bool Agree => (InBackup, InStorage) is ({ } then, { } now) && JsonElement.DeepEquals(then, now);

    public static Finding Differ { get; } = new(Name, "The backup and the restored storage do not name the same syncHeads: the application should synchronise anew before it goes on.");

    /// <summary>Null when neither side says anything.</summary>
    public static SyncHeads? Compare(JsonElement? then, JsonElement? now) =>
        (Find(then), Find(now)) is var (before, after) && (before is not null || after is not null) ? new SyncHeads(before, after) : null;

    private static JsonElement? Find(JsonElement? facts) =>
        facts is { ValueKind: JsonValueKind.Object } application && application.TryGetProperty(Name, out var heads) && heads.ValueKind != JsonValueKind.Null ? heads : null;
}
