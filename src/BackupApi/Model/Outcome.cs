namespace BackupApi.Model;

/// <summary>How an operation ended.</summary>
internal enum Outcome
{
    /// <summary>Everything was done; warnings are allowed.</summary>
    Ok,

    /// <summary>Done, but a source is missing from it or damaged: listed, with why.</summary>
    Partial,

    /// <summary>Not done; nothing changed.</summary>
    Failed,

    /// <summary>Not begun, on purpose: the message says why.</summary>
    Skipped,
}

/// <summary>What set an operation off.</summary>
internal enum Trigger
{
    /// <summary>A person or program asked over HTTP.</summary>
    Manual,
    Schedule,
    Start,
    Stop,

    /// <summary>An archive was dropped into the restore folder.</summary>
    RestoreFolder,

    /// <summary>A backup taken by a restore of the state it is about to replace.</summary>
    Safety,
}
