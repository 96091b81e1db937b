using BackupApi.Catalog;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Pins by request: a backup that a person wants to keep.</summary>
internal sealed class PinBackup(BackupCatalog catalog)
{
    private const string ByRequest = "by request";

    public Backup Pin(Backup backup, string? note) =>
        catalog.Record(backup.Name, state => state with { Pins = [.. state.Pins.Where(pin => !IsByRequest(pin)), note is null ? ByRequest : $"{ByRequest}: {note}"] });

    public Backup Unpin(Backup backup, bool force) =>
        catalog.Record(backup.Name, state => state with { Pins = force ? [] : [.. state.Pins.Where(pin => !IsByRequest(pin))] });

    private static bool IsByRequest(string pin) => pin.StartsWith(ByRequest, StringComparison.Ordinal);
}
