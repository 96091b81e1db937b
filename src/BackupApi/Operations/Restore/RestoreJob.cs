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

    /// <summary>Name of the claimed archive in the restore folder; null for a restore by name.</summary>
    public string? Claim { get; init; }

    /// <summary>Databases that the backup says were damaged when it was taken: they come back as they were.</summary>
    public IReadOnlyList<string> Damaged { get; init; } = [];
}
