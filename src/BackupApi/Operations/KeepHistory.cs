using BackupApi.Catalog;
using BackupApi.Catalog.History;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Writes each operation that ended into history, and answers what was asked of it.</summary>
internal sealed class KeepHistory
{
    /// <summary>Enough for two operations an hour over all the time that is kept, and a bound for those who run one each second.</summary>
    private const int MostForStats = 10_000;

    private readonly HistoryStore store;
    private readonly ServiceSettings settings;
    private readonly BackupCatalog catalog;
    private readonly TimeProvider clock;

    public KeepHistory(HistoryStore store, OperationLedger ledger, ServiceSettings settings, BackupCatalog catalog, TimeProvider clock)
    {
        (this.store, this.settings, this.catalog, this.clock) = (store, settings, catalog, clock);
        ledger.WhenEnded(Add);
    }

    public HistoryPage List(HistoryFilter filter) => store.List(filter);

    public HistoryStats Stats() => HistoryStats.Of(store.Newest(MostForStats), clock.GetUtcNow(), MountFacts.Of(settings.BackupsPath).FreeBytes);

    private void Add(OperationRecord operation)
    {
        var isNew = operation is { Kind: OperationKind.Backup, Confirmed: false, Outcome: Outcome.Ok or Outcome.Partial, BackupName: not null };
        store.Add(new HistoryEntry(operation, isNew ? catalog.Find(operation.BackupName!)?.SizeBytes ?? 0 : 0, catalog.List().Sum(b => b.SizeBytes)));
    }
}
