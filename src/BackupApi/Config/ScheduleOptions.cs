using BackupApi.Model.Timing;

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

    /// <summary>Several schedules in place of <see cref="Interval"/>, numbered from 0, each one of: an interval, a cron expression, a time of day.</summary>
    /// <value><c>Backup__Schedule__0__IntervalMs</c> (milliseconds); <c>Backup__Schedule__0__Cron</c> (five fields); <c>Backup__Schedule__0__Frequency</c> (daily or weekly) with <c>…__Time</c> (02:00) and, weekly, <c>…__Weekday</c> (0 is Sunday). Default: none. Up to 50.</value>
    public required IReadOnlyList<ScheduleRule> Schedules { get; init; }

    /// <summary>A scheduled backup begins up to this much after it is due, so that many services do not begin in one second.</summary>
    /// <value><c>Backup__ScheduleJitter</c>, in seconds or <c>hh:mm:ss</c>. Default: 0. Up to 1 day.</value>
    public required TimeSpan Jitter { get; init; }

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
        Schedules = ReadSchedules(settings) is { Count: > 0 } schedules ? schedules : Array.Empty<ScheduleRule>(),
        Jitter = settings.Duration("Backup__ScheduleJitter", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(1)),
        MaxBackups = (int)settings.Whole("MAX_BACKUPS", 10, 1, 100_000, "backups"),
        MaxSafetyBackups = (int)settings.Whole("Backup__MaxSafetyBackups", 3, 1, 1000, "backups"),
        OnStart = settings.Choice("BACKUP_ON_START", StartChoice.Stale, StartChoices),
        OnStop = settings.Choice("BACKUP_ON_STOP", StopChoice.Changed, StopChoices),
    };

    private static List<ScheduleRule> ReadSchedules(SettingsReader settings)
    {
        var rules = new List<ScheduleRule>();
        foreach (var number in settings.Below("Backup__Schedule").Where(key => key.Length <= 2 && key.All(char.IsAsciiDigit)).ToList())
        {
            string? Find(string name) => settings.Text($"Backup__Schedule__{number}__{name}", "", 200) is { Length: > 0 } text ? text : null;
            var rule = new ScheduleRule
            {
                IntervalMs = Find("IntervalMs") is { } interval ? SettingText.Whole(interval) ?? -1 : null,
                Cron = Find("Cron"),
                Frequency = Find("Frequency")?.ToUpperInvariant() switch { null => null, "DAILY" => ScheduleFrequency.Daily, "WEEKLY" => ScheduleFrequency.Weekly, _ => (ScheduleFrequency)(-1) },
                Time = Find("Time"),
                Weekday = Find("Weekday") is { } day ? (int)(SettingText.Whole(day) is >= 0 and <= 6 and var whole ? whole : -1) : null,
            };
            try
            {
                rule.Check();
                rules.Add(rule);
            }
            catch (FormatException e)
            {
                settings.Add($"Backup__Schedule__{number}", rule.Cron ?? rule.Time, $"IntervalMs, Cron, or Frequency with Time: {e.Message}");
            }
        }

        return rules;
    }

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
