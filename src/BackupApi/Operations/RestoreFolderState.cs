using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What the restore folder holds that a person should know of, as it was last looked at.</summary>
internal sealed class RestoreFolderState
{
    private volatile IReadOnlyList<Finding> waiting = [];
    private volatile IReadOnlyList<Finding> failed = [];

    /// <summary>Archives that will be restored at the next start, and those that must wait, with why.</summary>
    public IReadOnlyList<Finding> Waiting
    {
        get => waiting;
        set => waiting = value;
    }

    /// <summary>Archives in <c>restore/failed</c>, with the reason.</summary>
    public IReadOnlyList<Finding> Failed
    {
        get => failed;
        set => failed = value;
    }

    /// <summary>Restores that were asked for by name and wait for the next start, each with why.</summary>
    public IReadOnlyList<Finding> Staged { get; set; } = [];

    /// <summary>Why the last start did not restore what still lies in the restore folder; a later look at it does not know that.</summary>
    public IReadOnlyList<Finding> ToldAtStart { get; set; } = [];

    /// <summary>Databases that self-healing left to a person, with the call that decides.</summary>
    public IReadOnlyList<Finding> Undecided { get; set; } = [];

    /// <summary>Why our own automatic writes to storage stopped; null when they did not.</summary>
    public string? ReadOnlyReason { get; set; }
}
