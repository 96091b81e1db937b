namespace BackupApi.Config;

/// <summary>The process itself: how it ends, what it writes to the log, where it listens.</summary>
internal sealed record ServiceOptions
{
    /// <summary>Time from SIGTERM to exit, in which a running operation is finished or cleanly abandoned. Must be shorter than what the container runtime grants (Docker: 10 s unless <c>stop_grace_period</c> says more).</summary>
    /// <value><c>SHUTDOWN_TIMEOUT</c>, in seconds or <c>hh:mm:ss</c>. Default: 25 seconds. From 1 second to 1 hour.</value>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>The least serious events that are logged.</summary>
    /// <value><c>LOG_LEVEL</c>: trace, debug, information, warning, error or critical. Default: information.</value>
    public required LogLevel LogLevel { get; init; }

    /// <summary>How the console is written.</summary>
    /// <value><c>Backup__LogFormat</c>: auto (text on a terminal, JSON elsewhere), text or json. Default: auto.</value>
    public required LogFormat LogFormat { get; init; }

    /// <summary>Time zone of schedules that name a time of day. Instants in answers, logs and archives are UTC whatever this says.</summary>
    /// <value><c>TZ</c>, an IANA name. Default: the machine's own.</value>
    public required TimeZoneInfo TimeZone { get; init; }

    /// <summary>Where somebody said to listen (<c>ASPNETCORE_URLS</c>, <c>ASPNETCORE_HTTP_PORTS</c>, <c>--urls</c>); when nobody did, it is <see cref="DefaultAddress"/>.</summary>
    public required ListenAddresses Addresses { get; init; }

    public bool HasAddress => Addresses.Given.Count > 0;

    public const string DefaultAddress = "http://127.0.0.1:5050";

    public static ServiceOptions Read(SettingsReader settings, IConfiguration configuration) => new()
    {
        ShutdownTimeout = settings.Duration("SHUTDOWN_TIMEOUT", TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        LogLevel = settings.Choice("LOG_LEVEL", LogLevel.Information, LogLevels),
        LogFormat = settings.Choice("Backup__LogFormat", LogFormat.Auto, LogFormats),
        TimeZone = ReadTimeZone(settings),
        Addresses = ListenAddresses.Read(settings, configuration),
    };

    private static readonly Dictionary<string, LogLevel> LogLevels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["trace"] = LogLevel.Trace,
        ["debug"] = LogLevel.Debug,
        ["information"] = LogLevel.Information,
        ["warning"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
        ["critical"] = LogLevel.Critical,
        ["verbose"] = LogLevel.Trace,
        ["info"] = LogLevel.Information,
        ["warn"] = LogLevel.Warning,
        ["fatal"] = LogLevel.Critical,
    };

    private static readonly Dictionary<string, LogFormat> LogFormats = new(StringComparer.OrdinalIgnoreCase)
    {
        ["auto"] = LogFormat.Auto,
        ["text"] = LogFormat.Text,
        ["json"] = LogFormat.Json,
    };

    private static TimeZoneInfo ReadTimeZone(SettingsReader settings)
    {
        // ":Europe/Berlin" is the same to the C library.
        var name = settings.Text("TZ", "", 200).TrimStart(':');
        if (name.Length == 0)
        {
            return TimeZoneInfo.Local;
        }

        if (!TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone))
        {
            settings.Add("TZ", name, "the name of a time zone, such as Europe/Berlin or UTC");
        }

        return zone ?? TimeZoneInfo.Utc;
    }
}

internal enum LogFormat
{
    Auto,
    Text,
    Json,
}
