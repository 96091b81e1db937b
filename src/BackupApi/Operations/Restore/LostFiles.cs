using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What of a damaged archive does not come back, and what stays in storage because of that.</summary>
/// <param name="Select">What the restore is about, without what must stay.</param>
/// <param name="Told">Each file that was asked for and is lost.</param>
internal sealed record LostFiles(Func<string, bool> Select, IReadOnlyList<Finding> Told)
{
    /// <summary>A database is never divided: into place, one of which a file is lost is left as it is in storage.</summary>
    /// <param name="damaged">By name, as the reading of the archive tells them.</param>
    /// <param name="sources">Of the unpacked tree and of storage.</param>
    public static LostFiles Of(IReadOnlyList<Finding> damaged, Manifest? manifest, IReadOnlyList<FoundSource> sources, Func<string, bool> isSelected, bool isInPlace)
    {
        if (damaged.Count == 0)
        {
            return new LostFiles(isSelected, []);
        }

        var lost = damaged.Select(finding => (Path: PathText.Parse(finding.Where), finding.Message)).ToList();
        var names = lost.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        var databases = sources.Where(found => found.Source.Engine != Source.PlainFiles).Select(found => found.Source)
            .Concat((manifest?.Sources ?? []).Where(source => source.Engine != Source.PlainFiles).Select(source => new Source(PathText.Parse(source.Name), source.Engine, [])))
            .Where(source => source.Files.Append(source.Name).Any(names.Contains) || names.Any(name => name.StartsWith(source.Name + "/", StringComparison.Ordinal)))
            .ToList();
        var left = isInPlace ? databases : [];
        var members = left.SelectMany(source => source.Files.Append(source.Name)).ToHashSet(StringComparer.Ordinal);
        var folders = left.Select(source => source.Name + "/").ToHashSet(StringComparer.Ordinal);
        var told = lost.Where(file => isSelected(file.Path) || file.Path == UnpackResult.Rest).Select(file => new Finding(PathText.Show(file.Path), $"It was not restored: {file.Message}"))
            .Concat(left.Select(source => source.Name).Distinct(StringComparer.Ordinal).Where(isSelected).Select(name => new Finding(PathText.Show(name), "The database stays as it is in storage: a part of it in this backup does not verify. Ask with 'to' for what is left of it.")));
        return new LostFiles(
            path => isSelected(path) && !members.Contains(path) && !folders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal)),
            [.. told]);
    }
}
