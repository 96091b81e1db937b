using System.Collections.Concurrent;
using BackupApi.Archive;
using BackupApi.Catalog;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Operations;

/// <summary>The one door to everything this service does: HTTP, schedule, restore folder, start and stop all come through here.</summary>
/// <remarks>
/// Owns order and exclusion, moves no bytes. One operation at a time over the storage: a second one is refused with <see cref="Fault.Busy"/> and the
/// running one's id, except that a scheduled backup waits for its turn and pre-empts a verification. An operation belongs to nobody: a client that hangs up does not stop it.
/// </remarks>
internal sealed class BackupManager(
    OperationGate gate,
    OperationLedger ledger,
    BackupCatalog catalog,
    ArchiveReader reader,
    TakeBackup takeBackup,
    VerifyBackup verifyBackup,
    DeleteBackup deleteBackup,
    VerifyDatabases verifyDatabases,
    SalvageDatabase salvageDatabase,
    DatabaseChecks databases,
    RunRestore runRestore,
    UndoRestore undoRestore,
    PlanRestore planRestore,
    ApplyRetention retention,
    PinBackup pins,
    ScheduleState schedule,
    KeepHistory history,
    WatchChange alarms,
    DrillRestore drillRestore,
    WatchHealth health)
{
    /// <summary>How many idempotency keys are remembered.</summary>
    private const int MaxKeys = 1000;

    private readonly ConcurrentDictionary<string, OperationTicket<CreateResult>> byKey = new(StringComparer.Ordinal);
    private volatile bool isReady;

    /// <summary>False only while a start-up restore runs.</summary>
    public bool IsReady => isReady;

    /// <summary>Opens the door: the start-up restore is over.</summary>
    public void OpenDoor()
    {
        isReady = true;
        GiveMemoryBack.Start();
        health.Refresh();
    }

    /// <summary>Starts a backup.</summary>
    /// <exception cref="BackupException"><see cref="Fault.Busy"/>, <see cref="Fault.NotReady"/>, <see cref="Fault.InvalidRequest"/>.</exception>
    public OperationTicket<CreateResult> StartBackup(CreateRequest request)
    {
        RequireReady();
        if (request.Label?.EnumerateRunes().Count() > CreateRequest.MaxLabelLength)
        {
            throw new BackupException(Fault.InvalidRequest, $"The label is longer than {CreateRequest.MaxLabelLength} characters.", "Shorten it; what belongs to it can go into metadata.");
        }

        if (request.IdempotencyKey is null)
        {
            return Begin(request);
        }

        lock (byKey)
        {
            if (byKey.TryGetValue(request.IdempotencyKey, out var first) && !first.Completion.IsFaulted)
            {
                return first;
            }

            if (byKey.Count >= MaxKeys)
            {
                byKey.Clear();
            }

            return byKey[request.IdempotencyKey] = Begin(request);
        }
    }

    /// <summary>Starts a restore of a backup by name.</summary>
    /// <exception cref="BackupException">As above, and <see cref="Fault.NotFound"/>.</exception>
    public OperationTicket<RestoreResult> StartRestore(RestoreRequest request)
    {
        var backup = Get(request.BackupName);
        return Start(OperationKind.Restore, Trigger.Manual, false, false, context => runRestore.RunAsync(request, backup, context));
    }

    /// <summary>What a restore would do. Nothing is touched, and no operation is begun.</summary>
    public Task<RestorePreview> PreviewRestoreAsync(RestoreRequest request, CancellationToken ct) => ledger.FindRunning() is not { Kind: OperationKind.Upkeep, Id: var upkeep }
        ? planRestore.RunAsync(request, Get(request.BackupName), ct)
        // It would open and close the database's file, and so end the lock that the upkeep holds on it (fcntl(2)).
        : throw new BackupException(Fault.Busy, $"An upkeep is running: {upkeep}.", "Ask again when it ended.") { OperationId = upkeep };

    /// <summary>Starts the way back: the restore of the backup taken before the last restore.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>: nothing was restored yet, or storage was empty before.</exception>
    public OperationTicket<RestoreResult> StartUndo(bool force)
    {
        RequireReady();
        if (undoRestore.IsByKeptFiles)
        {
            return Start(OperationKind.Undo, Trigger.Manual, false, false, context => runRestore.UndoByKeptFilesAsync(force, context));
        }

        var request = undoRestore.Request(force);
        var backup = Get(request.BackupName);
        return Start(OperationKind.Undo, Trigger.Manual, false, false, context => runRestore.UndoAsync(request, backup, context));
    }

    /// <summary>Starts reading a backup whole.</summary>
    public OperationTicket<VerifyResult> StartVerify(string name, Trigger trigger = Trigger.Manual)
    {
        var backup = Get(name);
        return Start(OperationKind.Verify, trigger, false, true, context => verifyBackup.RunAsync(backup.Name, context));
    }

    /// <summary>Removes a backup. The only proven one, or a pinned one, only with <paramref name="force"/>.</summary>
    public OperationTicket<Backup> StartDelete(string name, bool force)
    {
        var backup = Get(name);
        return Start(OperationKind.Delete, Trigger.Manual, false, false, context => Task.FromResult(deleteBackup.Run(backup.Name, force, context)));
    }

    /// <summary>Starts a check of the live databases, or of the one named.</summary>
    public OperationTicket<DatabasesResult> StartVerifyDatabases(string? name, Trigger trigger = Trigger.Manual) =>
        Start(OperationKind.VerifyDatabases, trigger, false, true, context => verifyDatabases.RunAsync(name, context));

    /// <summary>Starts bringing out of a damaged database what can still be read; nothing of storage is touched.</summary>
    public OperationTicket<SalvageResult> StartSalvage(string name, string? engine = null) =>
        Start(OperationKind.Salvage, Trigger.Manual, false, true, context => salvageDatabase.RunAsync(name, engine, context));

    /// <summary>Starts a rehearsal of a restore; nothing of storage is touched.</summary>
    public OperationTicket<DrillResult> StartDrill(string name, Trigger trigger = Trigger.Manual)
    {
        var backup = Get(name);
        return Start(OperationKind.Drill, trigger, false, true, context => drillRestore.RunAsync(backup, context));
    }

    /// <summary>Every database as it was last seen, sorted by name.</summary>
    public IReadOnlyList<DatabaseFacts> ListDatabases() => databases.List();

    /// <summary>Looks into the backups folder again: somebody may have copied an archive into it, or taken one away.</summary>
    public Task RefreshAsync(CancellationToken ct) => isReady ? catalog.RefreshAsync(ct) : Task.CompletedTask;

    /// <summary>All backups, newest first.</summary>
    public IReadOnlyList<Backup> List() => catalog.List();

    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>; <see cref="Fault.InvalidRequest"/> for a name that is no file name.</exception>
    public Backup Get(string name) => catalog.Find(BackupName.Require(name)) ?? throw VerifyBackup.NoSuchBackup(name);

    /// <summary>The manifest of a backup, read from its archive; null for a foreign one.</summary>
    public async Task<Manifest?> ReadManifestAsync(string name, CancellationToken ct) => Get(name) is { IsLocked: false } backup ? (await reader.ReadFactsAsync(backup.Path, ct)).Manifest : null;

    /// <summary>The entries of a backup.</summary>
    public IAsyncEnumerable<ArchiveEntry> ListFilesAsync(string name, CancellationToken ct) => reader.ListAsync(Get(name).Path, ct);

    /// <summary>One file out of a backup, verified, written to <paramref name="destination"/>.</summary>
    public Task<ArchiveEntry> CopyFileAsync(string name, string path, Stream destination, CancellationToken ct) => reader.CopyEntryAsync(Get(name).Path, path, destination, ct);

    /// <summary>Protects a backup from rotation until it is unpinned; at once, whatever is running.</summary>
    /// <param name="note">Why, up to <see cref="CreateRequest.MaxLabelLength"/> characters; null for no reason given.</param>
    public Backup Pin(string name, string? note) => pins.Pin(Get(name), note);

    /// <summary>Lets go of a backup that was pinned by request; of one this service pinned itself only with <paramref name="force"/>.</summary>
    public Backup Unpin(string name, bool force) => pins.Unpin(Get(name), force);

    /// <summary>When backups are taken by themselves.</summary>
    public ScheduleState Schedule => schedule;

    /// <summary>Puts another schedule in force at once, and keeps it over restarts.</summary>
    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>.</exception>
    public void ChangeSchedule(Func<SchedulePlan, SchedulePlan> change)
    {
        schedule.Change(change);
        health.Refresh();
    }

    /// <summary>Suspicious changes.</summary>
    public WatchChange Alarms => alarms;

    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>.</exception>
    public Alarm Acknowledge(string id)
    {
        var alarm = alarms.Acknowledge(id);
        health.Refresh();
        return alarm;
    }

    /// <summary>What was done in the last 90 days.</summary>
    public KeepHistory History => history;

    /// <summary>What rotation would keep and remove now.</summary>
    public RetentionPlan PlanRetention() => retention.Plan();

    /// <summary>From memory; touches no disk.</summary>
    public HealthReport Health() => health.Current;

    /// <summary>Recent operations, newest first, the running one included.</summary>
    public IReadOnlyList<OperationRecord> Operations() => ledger.List();

    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>.</exception>
    public OperationRecord GetOperation(string id) =>
        ledger.Find(id) ?? throw new BackupException(Fault.NotFound, $"There is no operation '{id}'.", "GET /api/operations names the recent ones.");

    /// <summary>Each change of an operation until it ended, beginning with how it stands; of all operations when <paramref name="id"/> is null. Ends at once when the service stops.</summary>
    public IAsyncEnumerable<OperationRecord> WatchAsync(string? id, CancellationToken ct) => ledger.WatchAsync(id, ct);

    /// <summary>Ends all event streams: the service is stopping.</summary>
    public void EndStreams() => ledger.Close();

    private OperationTicket<CreateResult> Begin(CreateRequest request)
    {
        var isScheduled = request.Trigger is Trigger.Schedule or Trigger.Start;
        return Start(OperationKind.Backup, request.Trigger, isScheduled, false, context => takeBackup.RunAsync(request, context));
    }

    private OperationTicket<T> Start<T>(OperationKind kind, Trigger trigger, bool waits, bool givesWay, Func<OperationContext, Task<T>> work)
    {
        RequireReady();
        var ticket = gate.Start(kind, trigger, waits, givesWay, work);
        _ = ticket.Completion.ContinueWith(_ => health.Refresh(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return ticket;
    }

    private void RequireReady()
    {
        if (!isReady)
        {
            throw new BackupException(Fault.NotReady, "The start-up restore has not ended yet.", "Wait until GET /api/health/ready answers 200.");
        }
    }
}
