using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Operations;

/// <summary>A file or folder that is no longer recognised, taken for the database that it was.</summary>
internal static class DamagedSource
{
    /// <summary>With the files beside it that its kind has by name.</summary>
    /// <param name="path">In the tree.</param>
    public static FoundSource Of(StorageTree tree, string path, IEngine engine, string? variant)
    {
        var besides = PartialRules.SideFiles(path).Append(path).ToHashSet(StringComparer.Ordinal);
        var files = tree.Nodes.Where(node => node.Stat.Kind == FileKind.File && (besides.Contains(node.Path) || node.Path.StartsWith(path + "/", StringComparison.Ordinal))).Select(node => node.Path).ToList();
        return new FoundSource(new Source(path, engine.Kind, files) { Variant = variant }, engine);
    }
}
