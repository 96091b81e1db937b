namespace BackupApi.Engines.Sqlite;

/// <summary>Bounds of the SQLite engine.</summary>
internal sealed record SqliteSettings
{
    /// <summary>How long a capture waits for an owner that holds its database before it fails with SourceBusy.</summary>
    /// <value>Default: 60 seconds; the service sets <c>Backup__CapturePatience</c>.</value>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest time one copy is verified; beyond it the verdict is inconclusive, never damaged.</summary>
    /// <value>Default: 30 minutes.</value>
    public TimeSpan VerifyTimeLimit { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Most memory that the SQLite library may take in this process, in bytes.</summary>
    /// <value>Default: 512 MiB. Its page caches hold a few MiB; the rest is for large rows.</value>
    public long HeapBytes { get; init; } = 512L << 20;

    /// <summary>Bytes copied while an owner in rollback mode is held off once, where batches are used.</summary>
    /// <value>Default: 4 MiB, a few milliseconds.</value>
    public int BatchBytes { get; init; } = 4 << 20;

    /// <summary>An owner in rollback mode whose last write is at least this old writes seldom: its database is copied in batches, letting writers in between.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan SeldomWrites { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a write may make the batches begin anew before the copy is taken in one go, holding writers off.</summary>
    /// <value>Default: 3.</value>
    public int MaxRestarts { get; init; } = 3;
}
