using Serilog;
using Serilog.Core;
using Serilog.Debugging;
using Serilog.Events;
using Serilog.Formatting;
using SerilogLogger = Serilog.Core.Logger;

namespace BackupApi.Logging;

/// <summary>Where the log goes: the console, and files of JSON lines that a person can still read when the container is gone.</summary>
internal static class LogSetup
{
    /// <summary>Bytes after which a file is closed and the next one begun.</summary>
    private const long FileLimit = 10 * 1024 * 1024;

    private const int FilesKept = 7;

    /// <param name="folder">Where the files lie; made with the first line. Null for none.</param>
    /// <param name="memory">Also keeps the last lines there.</param>
    /// <param name="levels">Turns our own lines up and down at run time.</param>
    public static SerilogLogger Create(LogLevel level, bool asJson, string? folder, LogMemory memory, LoggingLevelSwitch levels)
    {
        levels.MinimumLevel = LevelOf(level);
        // What the log itself cannot do (a full disk) goes to standard error; it never stops the service.
        SelfLog.Enable(TextWriter.Synchronized(Console.Error));
        ITextFormatter console = asJson ? new JsonLines() : new TextLines();
        var places = new LoggerConfiguration()
            .MinimumLevel.Verbose()
            .WriteTo.Sink(memory)
            .WriteTo.Console(console);
        if (folder is not null)
        {
            places.WriteTo.File(
                new JsonLines(),
                Path.Combine(folder, "backupapi-.log"),
                rollingInterval: RollingInterval.Day,
                fileSizeLimitBytes: FileLimit,
                rollOnFileSizeLimit: true,
                retainedFileCountLimit: FilesKept);
        }

        return new LoggerConfiguration()
            .MinimumLevel.ControlledBy(levels)
            .MinimumLevel.Override("Microsoft", Noisier(level, LogEventLevel.Warning))
            .MinimumLevel.Override("System", Noisier(level, LogEventLevel.Warning))
            // It would log a failed start with a stack trace before we can say it in one line.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal)
            .Enrich.FromLogContext()
            .WriteTo.Sink(new InOneOrder(places.CreateLogger()))
            .CreateLogger();
    }

    /// <summary>What libraries say below <paramref name="least"/> is left out, unless everything was asked for.</summary>
    private static LogEventLevel Noisier(LogLevel level, LogEventLevel least) =>
        level == LogLevel.Trace ? LogEventLevel.Verbose : (LogEventLevel)Math.Max((int)least, (int)LevelOf(level));

    public static LogEventLevel LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => LogEventLevel.Verbose,
        LogLevel.Debug => LogEventLevel.Debug,
        LogLevel.Information => LogEventLevel.Information,
        LogLevel.Warning => LogEventLevel.Warning,
        LogLevel.Error => LogEventLevel.Error,
        _ => LogEventLevel.Fatal,
    };
}
