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
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        if (tree.Nodes.Count == 0)
        {
            return null;
        }

        if (catalog.List().FirstOrDefault(b => b.IsOurs) is { IsProven: true } newest && !decide.HasChanged(tree, beyondDoubt: true))
        {
            return newest;
        }

        var restored = context.BackupName;
        var safety = await takeBackup.RunAsync(new CreateRequest { Trigger = Trigger.Safety }, context);
        context.BackupName = restored;
        context.Outcome = Outcome.Ok;
        return safety.Backup;
    }
}
