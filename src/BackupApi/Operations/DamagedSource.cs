using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Operations;

/// <summary>A file or folder that is no longer recognised, taken for the database that it was.</summary>
internal static class DamagedSource
{
    /// <summary>Name of a LevelDB that lies right in storage.</summary>
    public const string Root = ".";

    /// <summary>With the files beside it that its kind has by name; null where nothing of that name is there.</summary>
    /// <param name="name">As the answers show it.</param>
    public static FoundSource? Find(StorageTree tree, string name, IEngine engine, string? variant)
    {
        if (name == Root)
        {
            return new FoundSource(new Source(Root, engine.Kind, [.. tree.ChildrenOf("").Where(node => node.Stat.Kind == FileKind.File).Select(node => node.Path)]) { Variant = variant }, engine);
        }

        var path = PathText.Parse(name);
        if (tree.Find(path) is null)
        {
            return null;
        }

        var besides = PartialRules.SideFiles(path).Append(path).ToHashSet(StringComparer.Ordinal);
        var files = tree.Nodes.Where(node => node.Stat.Kind == FileKind.File && (besides.Contains(node.Path) || node.Path.StartsWith(path + "/", StringComparison.Ordinal))).Select(node => node.Path).ToList();
        return new FoundSource(new Source(path, engine.Kind, files) { Variant = variant }, engine);
    }
}
