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
        LookAtStorage.RequireFolder(folders.Storage);
        var paths = new SelectPaths(request.Paths);
        var (manifest, _) = await archives.ReadFactsAsync(backup.Path, ct);
        var selection = RestoreScope.Require(paths, request.Mode, roles, manifest);
        var live = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        var sources = findSources.In(live);
        var isSelected = selection.Within(sources);
        var beside = request.To is not null;
        var difference = new RestoreDifference(beside ? new StorageTree(live.Root, new NodeList(), [], []) : live, isSelected);
        var unmatched = paths.NoneSeen();
        var databases = sources.Where(found => found.Source.Engine != Source.PlainFiles).SelectMany(found => found.Source.Files.Append(found.Source.Name)).ToHashSet(StringComparer.Ordinal);
        var held = new HashSet<string>(StringComparer.Ordinal);
        var holdsAny = false;
        await foreach (var entry in archives.ListAsync(backup.Path, ct))
        {
            difference.Add(entry);
            unmatched.See(entry.Name);
            holdsAny |= entry.Kind != EntryKind.Directory && isSelected(entry.Name);
            _ = databases.Contains(entry.Name) && held.Add(entry.Name);
        }

        if (selection.IsEverything && !beside)
        {
            difference.RemoveTheRest();
        }

        var owners = beside ? new OwnerReport(OwnerState.Free, [], null) : OwnerProbe.Look(live, isSelected, ct);
        var (warnings, refusal) = Judge(request, manifest, difference, () =>
        {
            selection.RequireEventlogs(backup.Name, holdsAny);
            return selection.RequireMatches(backup.Name, unmatched, held.Contains, sources);
        });
        return new RestorePreview
        {
            BackupName = backup.Name,
            Mode = request.Mode,
            CreatedAt = backup.CreatedAt,
            Verification = backup.Verification,
            IsProven = backup.IsProven,
            ReplacedCount = difference.Replaced.Count,
            Replaced = difference.Replaced.Shown,
            AddedCount = difference.Added.Count,
            Added = difference.Added.Shown,
            RemovedCount = difference.Removed.Count,
            Removed = difference.Removed.Shown,
            UnchangedCount = difference.Unchanged,
            NeededBytes = RestoreRoom.Needed(difference.ContentBytes, difference.Entries),
            SafetyBackupFits = beside || room.HoldsSafetyBackup(live, difference.ContentBytes, difference.Entries),
            FreeBytes = MountFacts.Of(folders.Storage).FreeBytes,
            InUse = owners.Users,
            InUseDoubt = owners.Doubt,
            Warnings = warnings,
            Refusal = refusal,
        };
    }

    private (IReadOnlyList<Finding> Warnings, BackupException? Refusal) Judge(RestoreRequest request, Manifest? manifest, RestoreDifference difference, Func<IReadOnlyList<Finding>> match)
    {
        try
        {
            _ = request.To is { } to ? UnpackTarget.Require(folders.Storage, to) : null;
            compatibility.Require(manifest, request.Force);
            room.Require(request, difference.ContentBytes, difference.Entries, makesRoom: false);
            return (match(), null);
        }
        catch (BackupException e)
        {
            return ([], e);
        }
    }
}
