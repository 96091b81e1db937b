namespace BackupApi.Model;

/// <summary>When a hook is called.</summary>
internal enum HookEvent
{
    /// <summary>Before storage is walked for a backup: what the application writes out now is in it.</summary>
    BeforeCapture,

    /// <summary>When nothing of storage is read for that backup any more, however it ended.</summary>
    AfterCapture,

    /// <summary>Before it is asked who uses storage, when everything that can be checked beside it was checked.</summary>
    BeforeRestore,

    /// <summary>When storage is new, or as it was, however it ended.</summary>
    AfterRestore,
}

/// <summary>Addresses of the application that are called around what concerns its storage.</summary>
internal sealed record HookSettings
{
    /// <summary>None of these is ever shown or logged: user info, path and query may be secrets.</summary>
    public Uri? BeforeCapture { get; init; }

    public Uri? AfterCapture { get; init; }

    public Uri? BeforeRestore { get; init; }

    public Uri? AfterRestore { get; init; }

    /// <summary>Longest time for one call, answer included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A "before" that fails ends the operation with <see cref="Fault.HookFailed"/>; else it is a warning.</summary>
    public bool StopsOnFailure { get; init; }

    public Uri? AddressOf(HookEvent at) => at switch
    {
        HookEvent.BeforeCapture => BeforeCapture,
        HookEvent.AfterCapture => AfterCapture,
        HookEvent.BeforeRestore => BeforeRestore,
        _ => AfterRestore,
    };
}

/// <summary>What an application is told; the JSON body of the call.</summary>
internal sealed record HookCall
{
    public required HookEvent Event { get; init; }

    public required string OperationId { get; init; }

    public required OperationKind Kind { get; init; }

    public required Trigger Trigger { get; init; }

    /// <summary>The backup that is restored; after a capture the one that was made, or confirmed. Null while there is none.</summary>
    public string? BackupName { get; init; }

    /// <summary>When the "before" of this pair was called.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Of an "after" only, like all below.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    public HookOutcome? Outcome { get; init; }

    public Fault? Fault { get; init; }

    public string? Message { get; init; }
}

/// <summary>How what lay between "before" and "after" ended.</summary>
internal enum HookOutcome
{
    Ok,

    /// <summary>Of a capture: a source is missing from the backup or damaged.</summary>
    Partial,

    /// <summary>Nothing was changed; a cancelled operation too.</summary>
    Failed,

    /// <summary>Of a restore: storage is in use, so it is put in place at the next start of the service.</summary>
    Staged,

    /// <summary>The service ended in between. Told at its next start, when what it had begun was finished or taken back.</summary>
    Interrupted,
}
