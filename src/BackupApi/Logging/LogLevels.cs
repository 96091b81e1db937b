using Serilog.Core;
using Serilog.Events;

namespace BackupApi.Logging;

/// <summary>How much is logged, from the setting on and changed at run time. Thread-safe.</summary>
internal sealed class LogLevels
{
    private volatile int current;

    public LogLevels(LogLevel level) => Set(level);

    public LogLevel Current => (LogLevel)current;

    public LoggingLevelSwitch Ours { get; } = new();

    /// <summary>What libraries say below a warning is left out, unless everything was asked for.</summary>
    public LoggingLevelSwitch Libraries { get; } = new();

    public void Set(LogLevel level)
    {
        current = (int)level;
        Ours.MinimumLevel = LevelOf(level);
        Libraries.MinimumLevel = level == LogLevel.Trace ? LogEventLevel.Verbose : (LogEventLevel)Math.Max((int)LogEventLevel.Warning, (int)LevelOf(level));
    }

    private static LogEventLevel LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => LogEventLevel.Verbose,
        LogLevel.Debug => LogEventLevel.Debug,
        LogLevel.Information => LogEventLevel.Information,
        LogLevel.Warning => LogEventLevel.Warning,
        LogLevel.Error => LogEventLevel.Error,
        _ => LogEventLevel.Fatal,
    };
}
