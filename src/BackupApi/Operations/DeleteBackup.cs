using BackupApi.Catalog;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Removes one backup that a person named.</summary>
internal sealed class DeleteBackup(BackupCatalog catalog)
{
    /// <exception cref="BackupException"><see cref="Fault.Protected"/>: pinned, or the only proven one, and not forced.</exception>
    public Backup Run(string name, bool force, OperationContext context)
    {
        var backup = catalog.Find(name) ?? throw VerifyBackup.NoSuchBackup(name);
        context.BackupName = name;
        if (!force && backup.Pins.Count > 0)
        {
            throw new BackupException(Fault.Protected, $"{name} is pinned: {string.Join("; ", backup.Pins)}.", "Unpin it, or delete it with ?force=true.");
        }

        if (!force && backup.IsProven && !catalog.List().Any(b => b.Name != name && b.IsProven))
        {
            throw new BackupException(Fault.Protected, $"{name} is the only proven backup.", "Take another one first, or delete it with ?force=true.");
        }

        catalog.Remove(name);
        return backup;
    }
}
