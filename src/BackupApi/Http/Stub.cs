namespace BackupApi.Http;

/// <summary>Stands in until the HTTP layer is merged: delete this file then.</summary>
internal static class Stub
{
    public static void AddHttpFace(this IServiceCollection s) => _ = s;
    public static void UseHttpFace(this WebApplication s) => _ = s;
    public static void MapBackups(this WebApplication s) => _ = s;
    public static void MapBackupContents(this WebApplication s) => _ = s;
    public static void MapRestore(this WebApplication s) => _ = s;
    public static void MapRetention(this WebApplication s) => _ = s;
    public static void MapOperations(this WebApplication s) => _ = s;
    public static void MapHealth(this WebApplication s) => _ = s;
    public static void MapDocumentation(this WebApplication s) => _ = s;
}
