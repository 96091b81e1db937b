using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>The one door to everything this service does: HTTP, schedule, restore folder, start and stop all come through here.</summary>
/// <remarks>
/// Owns order and exclusion, moves no bytes. One operation at a time over the storage: a second one is refused with <see cref="Fault.Busy"/> and the
/// running one's id, except that a scheduled backup waits for its turn and pre-empts a verification. An operation belongs to nobody: a client that hangs up does not stop it.
/// </remarks>
internal sealed class BackupManager
{
    /// <summary>Starts a backup.</summary>
    /// <exception cref="BackupException"><see cref="Fault.Busy"/>, <see cref="Fault.NotReady"/>, <see cref="Fault.InvalidRequest"/>.</exception>
    public OperationTicket<CreateResult> StartBackup(CreateRequest request) => throw new NotSupportedException(request.ToString());

    /// <summary>Starts a restore of a backup by name.</summary>
    /// <exception cref="BackupException">As above, and <see cref="Fault.NotFound"/>.</exception>
    public OperationTicket<RestoreResult> StartRestore(RestoreRequest request) => throw new NotSupportedException(request.ToString());

    /// <summary>Starts reading a backup whole.</summary>
    public OperationTicket<VerifyResult> StartVerify(string name) => throw new NotSupportedException(name);

    /// <summary>Removes a backup. The only proven one, or a pinned one, only with <paramref name="force"/>.</summary>
    public OperationTicket<Backup> StartDelete(string name, bool force) => throw new NotSupportedException(name + force);

    /// <summary>All backups, newest first.</summary>
    public IReadOnlyList<Backup> List() => throw new NotSupportedException();

    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>; <see cref="Fault.InvalidRequest"/> for a name that is no file name.</exception>
    public Backup Get(string name) => throw new NotSupportedException(name);

    /// <summary>The manifest of a backup, read from its archive; null for a foreign one.</summary>
    public Task<Manifest?> ReadManifestAsync(string name, CancellationToken ct) => throw new NotSupportedException(name);

    /// <summary>The entries of a backup.</summary>
    public IAsyncEnumerable<ArchiveEntry> ListFilesAsync(string name, CancellationToken ct) => throw new NotSupportedException(name);

    /// <summary>One file out of a backup, verified, written to <paramref name="destination"/>.</summary>
    public Task CopyFileAsync(string name, string path, Stream destination, CancellationToken ct) => throw new NotSupportedException(name + path);

    /// <summary>What rotation would keep and remove now.</summary>
    public RetentionPlan PlanRetention() => throw new NotSupportedException();

    /// <summary>From memory; touches no disk.</summary>
    public HealthReport Health() => throw new NotSupportedException();

    /// <summary>False only while a start-up restore runs.</summary>
    public bool IsReady => false;

    /// <summary>Recent operations, newest first, the running one included.</summary>
    public IReadOnlyList<OperationRecord> Operations() => throw new NotSupportedException();

    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>.</exception>
    public OperationRecord GetOperation(string id) => throw new NotSupportedException(id);

    /// <summary>Each change of an operation until it ended, beginning with how it stands; of all operations when <paramref name="id"/> is null. Ends at once when the service stops.</summary>
    public IAsyncEnumerable<OperationRecord> WatchAsync(string? id, CancellationToken ct) => throw new NotSupportedException(id);
}
