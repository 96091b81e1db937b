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

    public static HealthOptions Read(SettingsReader settings) => new()
    {
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
