using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>Where health begins to warn.</summary>
internal sealed record HealthOptions
{
    private const long MostMegabytes = 1L << 30;

    /// <summary>Free room below which health is degraded.</summary>
    /// <value><c>Backup__Health__LowRoomMegabytes</c>. Default: 1024 (1 GB).</value>
    public required long LowRoomMegabytes { get; init; }

    /// <summary>Free room below which health says so more urgently. Below <c>MIN_FREE_MB</c> it is unhealthy.</summary>
    /// <value><c>Backup__Health__VeryLowRoomMegabytes</c>. Default: 500.</value>
    public required long VeryLowRoomMegabytes { get; init; }

    /// <summary>Size of a write-ahead log or LiteDB log that its owner should have brought in.</summary>
    /// <value><c>Backup__Health__LargeLogMegabytes</c>. Default: 10.</value>
    public required long LargeLogMegabytes { get; init; }

    /// <summary>A fall of bytes, files or a database's entries by more than this, against the median of the last five backups, raises an alarm.</summary>
    /// <value><c>ALARM_DROP_PERCENT</c>. Default: 40. From 1 to 100 (never).</value>
    public required int AlarmDropPercent { get; init; }

    /// <summary>How often the live databases are checked.</summary>
    /// <value><c>Backup__CheckDatabasesEvery</c>, in seconds or <c>[d.]hh:mm:ss</c>. Default: 6 hours. 0 for never, up to 366 days.</value>
    public required TimeSpan CheckDatabasesEvery { get; init; }

    /// <summary>Within this time every backup is read whole again.</summary>
    /// <value><c>Backup__ReadBackupsEvery</c>, as above. Default: 30 days. 0 for never.</value>
    public required TimeSpan ReadBackupsEvery { get; init; }

    /// <summary>How often a restore of the newest backup is rehearsed.</summary>
    /// <value><c>Backup__DrillEvery</c>, as above. Default: 7 days. 0 for never.</value>
    public required TimeSpan DrillEvery { get; init; }

    public static HealthOptions Read(SettingsReader settings) => new()
    {
        AlarmDropPercent = (int)settings.Whole("ALARM_DROP_PERCENT", 40, 1, 100, "percent"),
        CheckDatabasesEvery = settings.Duration("Backup__CheckDatabasesEvery", TimeSpan.FromHours(6), TimeSpan.Zero, TimeSpan.FromDays(366)),
        ReadBackupsEvery = settings.Duration("Backup__ReadBackupsEvery", TimeSpan.FromDays(30), TimeSpan.Zero, TimeSpan.FromDays(366)),
        DrillEvery = settings.Duration("Backup__DrillEvery", TimeSpan.FromDays(7), TimeSpan.Zero, TimeSpan.FromDays(366)),
        LowRoomMegabytes = settings.Whole("Backup__Health__LowRoomMegabytes", 1024, 0, MostMegabytes, "megabytes"),
        VeryLowRoomMegabytes = settings.Whole("Backup__Health__VeryLowRoomMegabytes", 500, 0, MostMegabytes, "megabytes"),
        LargeLogMegabytes = settings.Whole("Backup__Health__LargeLogMegabytes", 10, 1, MostMegabytes, "megabytes"),
    };

    public HealthThresholds ToThresholds() => new()
    {
        LowRoomBytes = LowRoomMegabytes << 20,
        VeryLowRoomBytes = VeryLowRoomMegabytes << 20,
        LargeLogBytes = LargeLogMegabytes << 20,
    };
}
