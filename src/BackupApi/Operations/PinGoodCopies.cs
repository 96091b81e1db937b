using BackupApi.Catalog;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Pins the newest backup in which a database was proven while the database is found damaged, and lets go when it is proven again.</summary>
internal sealed partial class PinGoodCopies(BackupCatalog catalog, ILogger<BackupManager> log)
{
    /// <summary>Looks at the newest backup; damage that goes on changes nothing. Each pin is written by itself: a kill in between leaves the rest to the next run.</summary>
    public void Run(Backup newest)
    {
        foreach (var source in newest.Sources.Where(s => s.Engine != Source.PlainFiles))
        {
            var prefix = $"last good {source.Name}: ";
            var pinned = catalog.List().Where(b => b.Pins.Any(pin => pin.StartsWith(prefix, StringComparison.Ordinal))).ToList();
            if (source.IsProven)
            {
                pinned.ForEach(backup => catalog.Record(backup.Name, state => state with { Pins = [.. state.Pins.Where(pin => !pin.StartsWith(prefix, StringComparison.Ordinal))] }));
            }
            else if (source.Errors.Count > 0 && pinned.Count == 0 && LastGood(source.Name, newest) is { } good)
            {
                catalog.Record(good.Name, state => state with { Pins = [.. state.Pins, $"{prefix}it was found damaged in {newest.Name}"] });
                LogPinned(log, source.Name, newest.Name, good.Name);
            }
        }
    }

    private Backup? LastGood(string source, Backup newest) =>
        catalog.List().FirstOrDefault(b => b.Name != newest.Name && b is { IsOurs: true, Damage: null } && b.Sources.Any(s => s.Name == source && s.IsProven));

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Source} is damaged in {Backup}; {Good}, the last in which it was whole, is pinned")]
    private static partial void LogPinned(ILogger logger, string source, string backup, string good);
}
