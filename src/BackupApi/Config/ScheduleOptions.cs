namespace BackupApi.Config;

/// <summary>When backups are taken by themselves, and how many are kept.</summary>
internal sealed record ScheduleOptions
{
    /// <summary>Whether backups are taken by the schedule, at start and at stop. Asked for over HTTP they are always taken.</summary>
    /// <value><c>AUTO_BACKUP_ENABLED</c>. Default: true.</value>
    public required bool Enabled { get; init; }

    /// <summary>Time between two scheduled backups.</summary>
    /// <value><c>AUTO_BACKUP_INTERVAL</c>, in milliseconds. Default: 3600000 (1 hour). From 1000 (1 second) to 31622400000 (366 days).</value>
    public required TimeSpan Interval { get; init; }

    /// <summary>How many backups rotation keeps; pinned ones and those taken before a restore are counted apart.</summary>
    /// <value><c>MAX_BACKUPS</c>. Default: 10. From 1 to 100,000.</value>
    public required int MaxBackups { get; init; }

    /// <summary>How many backups taken before a restore are kept.</summary>
    /// <value><c>Backup__MaxSafetyBackups</c>. Default: 3. From 1 to 1,000.</value>
    public required int MaxSafetyBackups { get; init; }

    /// <summary>Whether a backup is taken when the service starts: stale (when none is younger than the interval), always or never.</summary>
    /// <value><c>BACKUP_ON_START</c>. Default: stale. Without <see cref="Enabled"/>: never.</value>
    public required StartChoice OnStart { get; init; }

    /// <summary>Whether a backup is taken when the service stops: changed (when something did since the last one) or never.</summary>
    /// <value><c>BACKUP_ON_STOP</c>. Default: changed. Without <see cref="Enabled"/>: never.</value>
    public required StopChoice OnStop { get; init; }

    public static ScheduleOptions Read(SettingsReader settings) => new()
    {
        Enabled = settings.Flag("AUTO_BACKUP_ENABLED", true),
        Interval = TimeSpan.FromMilliseconds(settings.Whole("AUTO_BACKUP_INTERVAL", 3_600_000, 1000, 31_622_400_000, "milliseconds")),
        MaxBackups = (int)settings.Whole("MAX_BACKUPS", 10, 1, 100_000, "backups"),
        MaxSafetyBackups = (int)settings.Whole("Backup__MaxSafetyBackups", 3, 1, 1000, "backups"),
        OnStart = settings.Choice("BACKUP_ON_START", StartChoice.Stale, StartChoices),
        OnStop = settings.Choice("BACKUP_ON_STOP", StopChoice.Changed, StopChoices),
    };

    private static readonly Dictionary<string, StartChoice> StartChoices = new(StringComparer.OrdinalIgnoreCase)
    {
        ["stale"] = StartChoice.Stale,
        ["always"] = StartChoice.Always,
        ["never"] = StartChoice.Never,
    };

    private static readonly Dictionary<string, StopChoice> StopChoices = new(StringComparer.OrdinalIgnoreCase)
    {
        ["changed"] = StopChoice.Changed,
        ["never"] = StopChoice.Never,
    };
}

internal enum StartChoice
{
    Stale,
    Always,
    Never,
}

internal enum StopChoice
{
    Changed,
    Never,
}
