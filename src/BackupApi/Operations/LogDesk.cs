namespace BackupApi.Operations;

/// <summary>One line of the log.</summary>
internal sealed record LogEntry(DateTimeOffset At, LogLevel Level, string Source, string Message, string? Operation, string? Exception);

/// <summary>The log as it can be asked and turned up at run time, whatever writes it.</summary>
/// <param name="Newest">The last lines, newest first: those at least so serious, at most so many.</param>
/// <param name="SetLevel">From now on, until the process ends.</param>
internal sealed record LogDesk(Func<LogLevel, int, IReadOnlyList<LogEntry>> Newest, Func<LogLevel> Level, Action<LogLevel> SetLevel);
