using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Says what a restore would do, and does nothing.</summary>
internal sealed class PlanRestore(WorkFolders folders, FindSources findSources, AnyArchive archives, CheckCompatibility compatibility, RestoreRoom room, SourceRoles roles)
{
    /// <param name="backup">The backup, as the catalogue knows it.</param>
    /// <exception cref="BackupException">The request itself is wrong, or the archive cannot be read.</exception>
    public async Task<RestorePreview> RunAsync(RestoreRequest request, Backup backup, CancellationToken ct)
    {
        var paths = new SelectPaths(request.Paths);
        var (manifest, _) = await archives.ReadFactsAsync(backup.Path, ct);
        var selection = RestoreScope.Require(paths, request.Mode, roles, manifest);
        var entries = new List<ArchiveEntry>();
        await foreach (var entry in archives.ListAsync(backup.Path, ct))
        {
            entries.Add(entry);
        }

        var live = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        var isSelected = selection.Within(findSources.In(live));
        var beside = request.To is not null;
        var against = beside ? new StorageTree(live.Root, new NodeList(), [], []) : live;
        var (replaced, added, removed, unchanged, content) = RestoreDifference.Of(entries, against, isSelected, selection.IsEverything && !beside);
        var owners = beside ? new OwnerReport(OwnerState.Free, [], null) : OwnerProbe.Look(live, isSelected, ct);
        return new RestorePreview
        {
            BackupName = backup.Name,
            Mode = request.Mode,
            CreatedAt = backup.CreatedAt,
            Verification = backup.Verification,
            IsProven = backup.IsProven,
            ReplacedCount = replaced.Count,
            Replaced = Shown(replaced),
            AddedCount = added.Count,
            Added = Shown(added),
            RemovedCount = removed.Count,
            Removed = Shown(removed),
            UnchangedCount = unchanged,
            NeededBytes = RestoreRoom.Needed(content, entries.Count),
            SafetyBackupFits = beside || room.HoldsSafetyBackup(live, content, entries.Count),
            FreeBytes = MountFacts.Of(folders.Storage).FreeBytes,
            InUse = owners.Users,
            InUseDoubt = owners.Doubt,
            Refusal = Refusal(request, manifest, content, entries.Count),
        };
    }

    private BackupException? Refusal(RestoreRequest request, Manifest? manifest, long content, long entries)
    {
        try
        {
            _ = request.To is { } to ? UnpackTarget.Require(folders.Storage, to) : null;
            compatibility.Require(manifest, request.Force);
            room.Require(request, content, entries, makesRoom: false);
            return null;
        }
        catch (BackupException e)
        {
            return e;
        }
    }

    private static List<string> Shown(List<string> names) => [.. names.Take(RestorePreview.MaxNamed).Select(PathText.Show)];
}
