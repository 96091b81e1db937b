using System.Globalization;
using BackupApi.Http.OpenApi;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/logs</c>: the last lines of the log, and how much is logged.</summary>
internal static class LogEndpoints
{
    private const int MostLines = 1000;

    private static readonly LogsAnswer Example = new(
        LogLevel.Information,
        [new LogEntry(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero), LogLevel.Information, "BackupManager", "20261120T120000Z-0001 backup started (schedule)", "20261120T120000Z-0001", null)]);

    public static void MapLogs(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/logs").WithTags("Logs");

        group.MapGet("", List).Describe("listLogs", "The last lines of the log, newest first", "Of this process, at most 1000. level: the least serious ones wanted; limit: how many (default 100).", Example, Fault.InvalidRequest);
        group.MapPut("/level", SetLevel).DescribeWithBody(
            "setLogLevel", "Log more or less from now on", "Until the process ends; LOG_LEVEL is what it starts with.", new LevelBody { Level = "debug" }, new LevelAnswer(LogLevel.Debug), Fault.InvalidRequest, Fault.TooLarge);
    }

    private static Ok<LogsAnswer> List(string? level, string? limit, LogDesk log) => TypedResults.Ok(new LogsAnswer(
        log.Level(),
        log.Newest(
            string.IsNullOrEmpty(level) ? LogLevel.Trace : Parse(level),
            string.IsNullOrEmpty(limit) ? 100
            : int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MostLines ? count
            : throw new BackupException(Fault.InvalidRequest, "The value of limit is out of bounds.", "It is a whole number from 1 to 1000."))));

    private static Ok<LevelAnswer> SetLevel(JsonBody<LevelBody> body, LogDesk log)
    {
        log.SetLevel(Parse(body.Value.Level ?? ""));
        return TypedResults.Ok(new LevelAnswer(log.Level()));
    }

    private static LogLevel Parse(string text) =>
        text.Length > 0 && char.IsLetter(text[0]) && Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) && level != LogLevel.None
            ? level
            : throw new BackupException(Fault.InvalidRequest, "The level is not known.", "Known are: trace, debug, information, warning, error, critical.");
}

internal sealed record LogsAnswer(LogLevel Level, IReadOnlyList<LogEntry> Lines)
{
    public bool Success => true;
}

internal sealed record LevelBody
{
    /// <summary>trace, debug, information, warning, error or critical.</summary>
    public string? Level { get; init; }
}

internal sealed record LevelAnswer(LogLevel Level)
{
    public bool Success => true;
}
