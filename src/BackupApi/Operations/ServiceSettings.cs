using BackupApi.Model;
using BackupApi.Model.Timing;

namespace BackupApi.Operations;

/// <summary>When a backup is taken at the start of the service.</summary>
internal enum StartBackup
{
    /// <summary>When none is younger than the interval.</summary>
    Stale,
    Always,
    Never,
}

/// <summary>When a backup is taken at the stop of the service.</summary>
internal enum StopBackup
{
    /// <summary>When something changed since the last one.</summary>
    Changed,
    Never,
}

/// <summary>What the operations and triggers are told of the settings: checked values only, defaults filled in.</summary>
/// <remarks>Made by <c>Wiring</c> from the options of Config, where each value is documented. Paths are absolute, with no link in them as far as they existed at start, no trailing <c>/</c>.</remarks>
internal sealed record ServiceSettings
{
    public required string StoragePath { get; init; }

    /// <summary>May lie inside storage (it is then excluded); never holds storage.</summary>
    public required string BackupsPath { get; init; }

    /// <summary>May lie inside storage or backups; never holds either.</summary>
    public required string RestorePath { get; init; }

    /// <summary>Below this much free room nothing that writes is started, except rotation. Bytes.</summary>
    public long MinFreeBytes { get; init; } = 100L * 1024 * 1024;

    public bool AutoBackupEnabled { get; init; } = true;

    public bool AutoRestoreEnabled { get; init; } = true;

    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>From 1; safety backups apart.</summary>
    public int MaxBackups { get; init; } = 10;

    /// <summary>From 1.</summary>
    public int MaxSafetyBackups { get; init; } = 3;

    /// <summary>When backups are taken; empty: every <see cref="Interval"/>.</summary>
    public IReadOnlyList<ScheduleRule> Schedules { get; init; } = [];

    /// <summary>A scheduled backup begins up to this much after it is due.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>A fall of bytes, files or a database's entries by more than this raises an alarm; 100 for never.</summary>
    public int AlarmDropPercent { get; init; } = 40;

    /// <summary>How often the live databases are checked; zero for never.</summary>
    public TimeSpan CheckDatabasesEvery { get; init; } = TimeSpan.FromHours(6);

    /// <summary>How old the last whole reading of a backup may become; zero for never.</summary>
    public TimeSpan ReadBackupsEvery { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How often a restore is rehearsed; zero for never.</summary>
    public TimeSpan DrillEvery { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Databases that are looked after; none unless asked for, and then nothing of the owner's is ever written but by a restore.</summary>
    public IReadOnlyList<UpkeepRule> Upkeep { get; init; } = [];

    /// <summary>How long after its time an upkeep may still begin.</summary>
    public TimeSpan UpkeepWindow { get; init; } = TimeSpan.FromHours(1);

    public AlertSettings Alerts { get; init; } = new();

    public HookSettings Hooks { get; init; } = new();

    public ApplicationDeclaration Application { get; init; } = new();

    /// <summary>The first that fits a source decides.</summary>
    public IReadOnlyList<SourceRoleRule> Roles { get; init; } = [];

    public HealthThresholds Health { get; init; } = new();

    /// <summary>A calendar in place of <see cref="MaxBackups"/>, and bounds of age and size; none by default.</summary>
    public RetentionRules Retention { get; init; } = new();

    public StartBackup OnStart { get; init; } = StartBackup.Stale;

    public StopBackup OnStop { get; init; } = StopBackup.Changed;

    /// <summary>What a person runs after a restore; told, never run by us.</summary>
    public string RestartCommand { get; init; } = "docker-compose restart app worker";

    /// <summary>For schedules that name a time of day and for texts; instants are UTC everywhere.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>From SIGTERM to exit.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Longest time a source may stay too busy before the backup goes on without it.</summary>
    public TimeSpan CapturePatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an archive in the restore folder must stand still before it is taken; also how long a start waits for one that grows.</summary>
    /// <summary>What is done at a start about a database that is missing or damaged.</summary>
    public Restore.HealMode Heal { get; init; } = Restore.HealMode.On;

    public TimeSpan DropPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the restore folder is looked at.</summary>
    public TimeSpan DropPollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After this long, fingerprints are distrusted and every file is read again.</summary>
    public TimeSpan FullReadEvery { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Also a scheduled run that found nothing changed writes a new archive.</summary>
    public bool AlwaysWrite { get; init; }

    /// <summary>For work a person waits for; 1 to 64.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>For scheduled runs, beside a busy application; 1 to 64.</summary>
    public int ScheduledThreads { get; init; } = 1;

    /// <summary>Bytes a second read for one operation; 0 for no limit.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>The same for scheduled runs.</summary>
    public long ScheduledBytesPerSecond { get; init; }
}
