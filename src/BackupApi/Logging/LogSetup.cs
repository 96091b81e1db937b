using Serilog;
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

    /// <summary>So that all together take 70 MB at most.</summary>
    private const int FilesKept = 7;

    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <param name="folder">Where the files lie; made with the first line. Null for none.</param>
    /// <param name="memory">Also keeps the last lines there.</param>
    /// <param name="levels">Turns lines up and down at run time.</param>
    public static SerilogLogger Create(bool asJson, string? folder, LogMemory memory, LogLevels levels)
    {
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
                retainedFileCountLimit: FilesKept,
                retainedFileTimeLimit: Kept);
        }

        return new LoggerConfiguration()
            .MinimumLevel.ControlledBy(levels.Ours)
            .MinimumLevel.Override("Microsoft", levels.Libraries)
            .MinimumLevel.Override("System", levels.Libraries)
            .MinimumLevel.Override("Quartz", levels.Libraries)
            // It would log a failed start with a stack trace before we can say it in one line.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal)
            .Enrich.FromLogContext()
            .WriteTo.Sink(new InOneOrder(places.CreateLogger()))
            .CreateLogger();
    }
}
