using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>The backup of the state that a restore is about to replace.</summary>
internal sealed class TakeSafetyBackup(WorkFolders folders, BackupCatalog catalog, TakeBackup takeBackup, DecideBackup decide)
{
    /// <summary>Null when storage is empty. The newest backup serves where it is proven and nothing changed since.</summary>
    public async Task<Backup?> RunAsync(OperationContext context, CancellationToken ct)
    {
        var (isEmpty, unchanged) = Look(ct);
        if (isEmpty || unchanged is not null)
        {
            return unchanged;
        }

        var restored = context.BackupName;
        var safety = await takeBackup.RunAsync(new CreateRequest { Trigger = Trigger.Safety }, context);
        context.BackupName = restored;
        context.Outcome = Outcome.Ok;
        return safety.Backup;
    }

    /// <summary>Apart, so that the tree is gone before the backup walks its own.</summary>
    private (bool IsEmpty, Backup? Unchanged) Look(CancellationToken ct)
    {
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        return (tree.Nodes.Count == 0, catalog.List().FirstOrDefault(b => b.IsOurs) is { IsProven: true } newest && !decide.HasChanged(tree, beyondDoubt: true) ? newest : null);
    }
}
