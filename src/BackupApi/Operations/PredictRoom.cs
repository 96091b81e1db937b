using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Predicts what a backup will write below the backups folder.</summary>
internal sealed class PredictRoom(ServiceSettings settings, BackupCatalog catalog)
{
    /// <summary>Share of the content an archive takes when no earlier backup tells.</summary>
    private const double FirstRatio = 0.5;

    /// <summary>How much larger than predicted an archive may become.</summary>
    private const double Margin = 1.1;

    /// <param name="stagedBytes">Databases, which are copied before they are compressed.</param>
    /// <param name="last">Tells how well the content compresses; null when there is none.</param>
    public IReadOnlyList<RoomNeed> OfBackup(long contentBytes, long stagedBytes, Backup? last)
    {
        var ratio = last is { ContentBytes: > 0 } ? (double)last.SizeBytes / last.ContentBytes : FirstRatio;
        return
        [
            new RoomNeed(settings.BackupsPath, stagedBytes, "for copies of databases"),
            new RoomNeed(settings.BackupsPath, (long)(contentBytes * Math.Min(ratio, 1) * Margin), "for the archive"),
        ];
    }

    /// <summary>Quiet copies of databases, taken to be looked at.</summary>
    public RoomNeed OfCopies(StorageTree tree, IEnumerable<FoundSource> databases)
    {
        var files = databases.SelectMany(found => found.Source.Files).ToHashSet(StringComparer.Ordinal);
        return new RoomNeed(settings.BackupsPath, tree.Nodes.Where(node => node.Stat.Kind == FileKind.File && files.Contains(node.Path)).Sum(node => node.Stat.Size), "for copies of databases");
    }

    /// <summary>What the backup of storage before a restore will take, told from the newest backup where it can be.</summary>
    /// <param name="tree">Storage now; nothing is taken of an empty one.</param>
    public IReadOnlyList<RoomNeed> OfSafetyBackup(StorageTree tree)
    {
        var last = catalog.List().FirstOrDefault(b => b is { IsOurs: true, Damage: null });
        var content = tree.Nodes.Where(node => node.Stat.Kind == FileKind.File).Sum(node => node.Stat.Size);
        var staged = last?.Sources.Where(source => source.Engine != Source.PlainFiles).Sum(source => source.Bytes) ?? content;
        return [.. OfBackup(content, Math.Min(staged, content), last).Select(need => need with { What = $"{need.What} of the safety backup" })];
    }
}
