namespace BackupApi.Engines.LiteDb;

/// <summary>How LiteDB databases are captured and verified.</summary>
internal sealed record LiteDbSettings
{
    /// <summary>Longest time a capture is tried before its source counts as busy.</summary>
    /// <value>Default: 60 seconds.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether an owner that opens its database while we copy it may be made to wait (a kernel lease). Nothing fails by it; without it, owners in shared mode are seldom captured under load.</summary>
    /// <value>Default: true.</value>
    public bool AllowLease { get; init; } = true;

    /// <summary>Longest time an owner is made to wait at once. A copy that takes longer is given up and the owner let go.</summary>
    /// <remarks>The kernel ends a lease by force after /proc/sys/fs/lease-break-time, 45 seconds unless changed; at most half of that is used.</remarks>
    /// <value>Default: 0.5 seconds.</value>
    public TimeSpan LeaseBound { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Password for encrypted databases; null when none is known.</summary>
    public string? Password { get; init; }

    /// <summary>The password of one database, by its name relative to storage; null from it means <see cref="Password"/>.</summary>
    public Func<string, string?> PasswordOf { get; init; } = static _ => null;
}
