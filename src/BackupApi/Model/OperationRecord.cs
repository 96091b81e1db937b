namespace BackupApi.Model;

/// <summary>What kind of work an operation is.</summary>
internal enum OperationKind
{
    Backup,
    Restore,
    Verify,
    VerifyDatabases,
    Delete,
    Rotate,
    Undo,

    /// <summary>Databases that are missing or damaged at a start are brought back.</summary>
    Heal,

    /// <summary>A rehearsal of a restore, in a scratch folder.</summary>
    Drill,

    /// <summary>What can still be read of a damaged database is brought out, beside it.</summary>
    Salvage,

    /// <summary>Checkpoint, ANALYZE and VACUUM of a database that was put into our care.</summary>
    Upkeep,
}

/// <summary>Where an operation stands.</summary>
internal enum OperationState
{
    /// <summary>Accepted, waiting for the one before it.</summary>
    Waiting,
    Running,
    Ended,
}

/// <summary>One attempt at something, at one moment of its life. Immutable: progress makes new ones.</summary>
internal sealed record OperationRecord
{
    /// <summary>Unique and ordered by start: <c>20261120T120000Z-0001</c>.</summary>
    public required string Id { get; init; }

    public required OperationKind Kind { get; init; }

    public required Trigger Trigger { get; init; }

    public required OperationState State { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>What is being done now, in words: <c>capture</c>, <c>write</c>, <c>read back</c>.</summary>
    public string Phase { get; init; } = "";

    public long BytesDone { get; init; }

    /// <summary>0 while it is not known.</summary>
    public long BytesTotal { get; init; }

    public long FilesDone { get; init; }

    public long FilesTotal { get; init; }

    /// <summary>0 to 100; null while the total is not known.</summary>
    public double? Percent => State == OperationState.Ended ? 100 : BytesTotal > 0 ? Math.Clamp(100.0 * BytesDone / BytesTotal, 0, 100) : null;

    /// <summary>Bytes of content read from storage, compressed anew, and passed on from the archive before; of a backup, once it ended.</summary>
    public long BytesRead { get; init; }

    public long BytesCompressed { get; init; }

    public long BytesCarriedOver { get; init; }

    /// <summary>Of a backup: nothing had changed, so no archive was written.</summary>
    public bool Confirmed { get; init; }

    /// <summary>Null until it ended.</summary>
    public Outcome? Outcome { get; init; }

    public Fault? Fault { get; init; }

    public string? Message { get; init; }

    public string? Hint { get; init; }

    /// <summary>Known only while it is remembered by the running service; null when there are none.</summary>
    public IReadOnlyList<Finding>? Warnings { get; init; }

    /// <summary>The backup it made, restored, verified or removed; null when none.</summary>
    public string? BackupName { get; init; }
}
