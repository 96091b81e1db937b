using BackupApi.Files;

namespace BackupApi.Operations.Restore;

/// <summary>Storage as a restore must see it: also what a backup leaves out, so that it is never swept away with the folder it lies in.</summary>
/// <param name="Tree">As a backup sees it.</param>
/// <param name="Unseen">Our own folders below storage, wherever they are mounted there, and folders that could not be read: not in the tree, and not to be touched.</param>
internal sealed record LiveStorage(StorageTree Tree, IReadOnlyList<string> Unseen)
{
    public static LiveStorage Walk(WorkFolders folders, CancellationToken ct)
    {
        var own = folders.Own();
        var unseen = new List<string>();
        var tree = TreeWalker.Walk(
            folders.Storage,
            (path, stat) =>
            {
                var isOwn = own.Contains(path, stat);
                if (isOwn)
                {
                    unseen.Add(path);
                }

                return isOwn;
            },
            ct);
        unseen.AddRange(tree.Unreadable.Select(finding => PathText.Parse(finding.Where)));
        return new LiveStorage(tree, unseen);
    }
}
