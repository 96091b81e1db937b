namespace BackupApi.Operations;

/// <summary>When a backup is taken at a start.</summary>
internal enum BackupOnStart
{
    /// <summary>When none is younger than the interval.</summary>
    Stale,
    Always,
    Never,
}

/// <summary>When a backup is taken at a stop.</summary>
internal enum BackupOnStop
{
    /// <summary>When something changed since the last one.</summary>
    Changed,
    Never,
}

/// <summary>What the operations need to know of the settings, checked already.</summary>
internal sealed record ServiceSettings
{
    /// <summary>Absolute paths, without a trailing slash.</summary>
    public required string StoragePath { get; init; }

    public required string BackupsPath { get; init; }

    public required string RestorePath { get; init; }

    public bool AutoBackupEnabled { get; init; } = true;

    public bool AutoRestoreEnabled { get; init; } = true;

    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    public int MaxBackups { get; init; } = 10;

    public BackupOnStart OnStart { get; init; } = BackupOnStart.Stale;

    public BackupOnStop OnStop { get; init; } = BackupOnStop.Changed;

    public string RestartCommand { get; init; } = "docker-compose restart app worker";

    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Free bytes below which nothing that writes is started.</summary>
    public long MinFreeBytes { get; init; } = 100L << 20;
}
