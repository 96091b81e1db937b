using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>The backups that lead to the state storage is in now, newest first. Pure.</summary>
internal static class BackupLine
{
    /// <summary>
    /// After a restore the line goes on from the backup that was restored: what was taken between that backup and the restore, safety backups included,
    /// is another line, and a database that appears only there is not missing now.
    /// </summary>
    /// <param name="newestFirst">All backups.</param>
    /// <param name="last">The last restore; null when there was none.</param>
    public static IReadOnlyList<Backup> Of(IReadOnlyList<Backup> newestFirst, RestoreOrigin? last)
    {
        var ours = newestFirst.Where(backup => backup.IsOurs && !backup.IsSafety && backup.Damage is null);
        if (last is null || last.IsPartial)
        {
            return [.. ours];
        }

        var restored = newestFirst.FirstOrDefault(backup => backup.Name == last.BackupName)?.Sequence ?? 0;
        var safety = newestFirst.FirstOrDefault(backup => backup.Name == last.SafetyBackup)?.Sequence;
        return [.. newestFirst.Where(backup => backup.IsOurs && backup.Damage is null && (backup.Name == last.BackupName
            || (!backup.IsSafety && (backup.Sequence <= restored || (safety is { } before ? backup.Sequence > before : backup.CreatedAt > last.At)))))];
    }
}
