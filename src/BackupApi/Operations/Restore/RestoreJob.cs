using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>One restore that was asked for.</summary>
internal sealed record RestoreJob
{
    /// <summary>Id of the operation; names the working folder.</summary>
    public required string Id { get; init; }

    public OperationKind Kind { get; init; } = OperationKind.Restore;

    public Trigger Trigger { get; init; } = Trigger.Manual;

    public required RestoreRequest Request { get; init; }

    /// <summary>Absolute path of the archive.</summary>
    public required string ArchivePath { get; init; }

    /// <summary>Takes a backup of storage as it is now, just before it is replaced; gives null when storage is empty.</summary>
    public required Func<CancellationToken, Task<Backup?>> TakeSafety { get; init; }

    /// <summary>At a start nothing is staged for later: where somebody has storage open, the restore is refused with <see cref="Fault.StorageInUse"/>.</summary>
    public bool AtStart { get; init; }

    /// <summary>One database is brought back by self-healing: the record of the last restore, and with it the way back, stays as it is.</summary>
    public bool IsHealing { get; init; }

    /// <summary>Something of storage is replaced, and no quarantine holds it.</summary>
    public bool TakesSafety => !IsHealing && Request.To is null;

    /// <summary>Called once storage is new and durable, before the journal goes: the last chance to record that this archive must never be restored again.</summary>
    public Action? Settle { get; init; }

    /// <summary>Name of the claimed archive in the restore folder; null for a restore by name.</summary>
    public string? Claim { get; init; }

    /// <summary>Databases that the backup says were damaged when it was taken: they come back as they were.</summary>
    public IReadOnlyList<string> Damaged { get; init; } = [];
}

/// <summary>What a journal remembers of its restore, so that a start can finish what a kill cut short.</summary>
internal sealed record RestoreOrigin
{
    public required string BackupName { get; init; }

    public required string ArchivePath { get; init; }

    /// <summary>As shown by Files.PathText.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    public RestoreMode Mode { get; init; }

    /// <summary>Some of storage was brought back, not all of it.</summary>
    [JsonIgnore]
    public bool IsPartial => Paths.Count > 0 || Mode != RestoreMode.Full;

    public bool Force { get; init; }

    public bool IsHealing { get; init; }

    /// <summary>Name of the backup of the state before; null when there was none to take, or while the restore waits for its turn.</summary>
    public string? SafetyBackup { get; init; }

    public string? Claim { get; init; }

    /// <summary>There was no room for a safety backup: the replaced files are kept on the disk of storage and are the way back.</summary>
    public bool KeepsReplaced { get; init; }

    /// <summary>Databases that were restored as damaged as they were: a check in place does not judge them.</summary>
    public IReadOnlyList<string> Damaged { get; init; } = [];

    public required DateTimeOffset At { get; init; }
}
