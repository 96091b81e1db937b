using System.Globalization;
using BackupApi.Model.Timing;

namespace BackupApi.Model;

/// <summary>A database that its owner put into our care, and when; null for never.</summary>
/// <param name="Database">Its name as the answers show it: the path relative to storage.</param>
internal sealed record UpkeepRule(string Database, ScheduleRule? Vacuum, ScheduleRule? Analyze);

/// <summary>What is to be done for one database now.</summary>
/// <param name="Vacuum">The time this was due at; null when it was not.</param>
/// <param name="Analyze">As above.</param>
internal sealed record UpkeepTask(string Database, DateTimeOffset? Vacuum, DateTimeOffset? Analyze);

/// <summary>A database in figures.</summary>
/// <param name="LogBytes">Of the write-ahead log.</param>
/// <param name="FreePages">Pages that hold nothing, which VACUUM gives back.</param>
internal sealed record UpkeepFigures(long Bytes, long LogBytes, long Pages, long FreePages);

/// <summary>How an upkeep ended.</summary>
/// <param name="Backup">Holds the state before.</param>
internal sealed record UpkeepResult(UpkeepTask Task, UpkeepFigures Before, UpkeepFigures After, string Backup)
{
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{Task.Database} {Done}: {Before.Bytes} to {After.Bytes} bytes, {Before.Pages} to {After.Pages} pages, {Before.FreePages} to {After.FreePages} of them free, write-ahead log {Before.LogBytes} to {After.LogBytes} bytes; {Backup} holds the state before");

    private string Done => Task switch { { Vacuum: null } => "analyzed", { Analyze: null } => "vacuumed", _ => "analyzed and vacuumed" };
}
