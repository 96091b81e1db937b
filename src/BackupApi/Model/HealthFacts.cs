using BackupApi.Model.Timing;

namespace BackupApi.Model;

/// <summary>Where warnings begin, in bytes.</summary>
internal sealed record HealthThresholds
{
    /// <summary>Below this much free room a person should know.</summary>
    public long LowRoomBytes { get; init; } = 1L << 30;

    /// <summary>Below this much, soon.</summary>
    public long VeryLowRoomBytes { get; init; } = 500L << 20;

    /// <summary>A write-ahead log or a LiteDB log over this is one that its owner does not bring in.</summary>
    public long LargeLogBytes { get; init; } = 10L << 20;
}

/// <summary>A database whose log grows and is not brought in.</summary>
internal sealed record LargeLog(string Database, string Engine, long Bytes);

/// <summary>A wall clock that was set, by how much: forward is positive.</summary>
internal sealed record ClockJump(DateTimeOffset At, TimeSpan By);

/// <summary>What health is judged by, gathered beforehand.</summary>
internal sealed record HealthFacts
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>When this service started: nothing is overdue before it had its chance.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When backups are promised; null when none are: switched off, or paused.</summary>
    public required Timetable? Timetable { get; init; }

    /// <summary>Since when the schedule in force counts.</summary>
    public DateTimeOffset ScheduledSince { get; init; }

    /// <summary>Somebody holds the schedule back.</summary>
    public bool IsPaused { get; init; }

    public required bool StorageExists { get; init; }

    public required bool BackupsWritable { get; init; }

    public required long MinFreeBytes { get; init; }

    public HealthThresholds Thresholds { get; init; } = new();

    public required IReadOnlyList<DiskRoom> Disks { get; init; }

    /// <summary>Newest first.</summary>
    public required IReadOnlyList<Backup> Backups { get; init; }

    public IReadOnlyList<DatabaseFacts> Databases { get; init; } = [];

    /// <summary>Live SQLite databases on a file system of another machine, with its kind.</summary>
    public IReadOnlyList<Finding> OnNetwork { get; init; } = [];

    public IReadOnlyList<LargeLog> LargeLogs { get; init; } = [];

    public ClockJump? ClockJump { get; init; }

    /// <summary>The last backup operation that ended; null when none did.</summary>
    public OperationRecord? LastAttempt { get; init; }

    /// <summary>When a backup was last begun, or waits to begin; null when none was.</summary>
    public DateTimeOffset? LastBegunAt { get; init; }

    /// <summary>A backup runs, or waits for its turn.</summary>
    public bool IsBackingUp { get; init; }

    /// <summary>Those that nobody acknowledged yet.</summary>
    public IReadOnlyList<Alarm> Alarms { get; init; } = [];

    public DrillResult? LastDrill { get; init; }

    /// <summary>Alert channels that do not take alerts, with what they said.</summary>
    public IReadOnlyList<(string Channel, string Error, DateTimeOffset Since)> FailingChannels { get; init; } = [];

    public long? MaxArchiveBytes { get; init; }

    public IReadOnlyList<Finding> Waiting { get; init; } = [];

    /// <summary>Restores that were asked for by name and wait for the next start.</summary>
    public IReadOnlyList<Finding> Staged { get; init; } = [];

    public IReadOnlyList<Finding> FailedRestores { get; init; } = [];

    /// <summary>Databases that are missing or damaged, and that self-healing left to a person.</summary>
    public IReadOnlyList<Finding> Undecided { get; init; } = [];

    /// <summary>Why our own automatic writes to storage stopped; null when they did not.</summary>
    public string? ReadOnlyReason { get; init; }
}
