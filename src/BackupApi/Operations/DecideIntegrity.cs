using BackupApi.Catalog;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What the integrity watch should do next.</summary>
/// <param name="Backup">The one to read or to rehearse; null for the live databases.</param>
internal sealed record IntegrityTask(OperationKind Kind, Backup? Backup = null);

/// <summary>Decides what is due: the live databases every few hours, each backup read whole every month, a restore drill every week.</summary>
internal sealed class DecideIntegrity(ServiceSettings settings, BackupCatalog catalog, OperationLedger ledger, DrillRestore drill, TimeProvider clock)
{
    /// <summary>Begun this much before a backup's time is up, so that one a minute and a busy day do not miss it.</summary>
    private const double Early = 0.8;

    /// <summary>After a failure the same is not tried again at once.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromHours(1);

    private readonly DateTimeOffset startedAt = clock.GetUtcNow();

    /// <summary>Null when nothing is due.</summary>
    public IntegrityTask? Next()
    {
        var now = clock.GetUtcNow();
        var backups = catalog.List();
        if (settings.CheckDatabasesEvery > TimeSpan.Zero && now - (LastDone(OperationKind.VerifyDatabases) ?? startedAt - settings.CheckDatabasesEvery) >= settings.CheckDatabasesEvery && !Rests(OperationKind.VerifyDatabases, now))
        {
            return new IntegrityTask(OperationKind.VerifyDatabases);
        }

        if (settings.DrillEvery > TimeSpan.Zero && backups.FirstOrDefault(b => b is { IsProven: true, Damage: null }) is { } newest
            && now - (drill.Last?.At ?? DateTimeOffset.MinValue) >= (drill.Last is { Outcome: Outcome.Failed } failed && failed.Backup != newest.Name ? TimeSpan.Zero : settings.DrillEvery) && !Rests(OperationKind.Drill, now))
        {
            return new IntegrityTask(OperationKind.Drill, newest);
        }

        var oldest = backups.Where(b => b is { Damage: null, IsLocked: false }).MinBy(b => b.VerifiedAt ?? DateTimeOffset.MinValue);
        return settings.ReadBackupsEvery > TimeSpan.Zero && oldest is not null && now - (oldest.VerifiedAt ?? DateTimeOffset.MinValue) >= settings.ReadBackupsEvery * Early && !Rests(OperationKind.Verify, now)
            ? new IntegrityTask(OperationKind.Verify, oldest)
            : null;
    }

    private DateTimeOffset? LastDone(OperationKind kind) =>
        ledger.List().FirstOrDefault(o => o.Kind == kind && o is { State: OperationState.Ended, Outcome: not Outcome.Failed })?.EndedAt;

    /// <summary>It failed a short while ago, of its own: not because it gave way.</summary>
    private bool Rests(OperationKind kind, DateTimeOffset now) =>
        ledger.List().FirstOrDefault(o => o.Kind == kind && o.State == OperationState.Ended) is { Outcome: Outcome.Failed, Fault: not Fault.Cancelled, EndedAt: { } ended } && now - ended < RetryAfter;
}
