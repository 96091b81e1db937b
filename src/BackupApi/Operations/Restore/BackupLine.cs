using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>The backups that lead to the state a database is in now, newest first. Pure; goes by sequence numbers, never by clocks.</summary>
internal static class BackupLine
{
    /// <summary>
    /// After a restore the line goes on from the backup that was restored: what was taken between that backup and the restore, safety backups included,
    /// is another line, and a database that appears only there is not missing now. A restore of some paths turns the line of those databases only that it was about.
    /// </summary>
    /// <param name="newestFirst">All backups.</param>
    /// <param name="last">The last restore, with those before it; null when there was none.</param>
    public static IReadOnlyList<Backup> Of(IReadOnlyList<Backup> newestFirst, RestoreOrigin? last, string database)
    {
        var turns = (last is null ? [] : last.Earlier.Prepend(last)).Where(restore => restore.Concerns(database))
            .Select(restore => (After: AfterOf(restore, newestFirst), To: RestoredBy(restore, newestFirst))).ToList();
        var usable = newestFirst.Where(backup => backup.IsOurs && backup.Damage is null).ToList();
        var line = new List<Backup>();
        for (long upTo = long.MaxValue; ;)
        {
            // A turn that was taken after the backup that was restored is no part of what led to that one.
            var next = turns.FindIndex(turn => turn.After < upTo);
            var downTo = next < 0 ? long.MinValue : turns[next].After;
            line.AddRange(usable.Where(backup => backup.Sequence > downTo && (backup.Sequence == upTo || (backup.Sequence < upTo && !backup.IsSafety))));
            if (next < 0)
            {
                return line;
            }

            upTo = turns[next].To;
            turns.RemoveRange(0, next + 1);
        }
    }

    /// <summary>The highest number that had been given when it was done. Records of earlier versions do not say it.</summary>
    private static long AfterOf(RestoreOrigin restore, IReadOnlyList<Backup> all) =>
        restore.After
        ?? all.FirstOrDefault(backup => backup.Name == restore.SafetyBackup)?.Sequence
        ?? all.Where(backup => backup.CreatedAt <= restore.At).Select(backup => backup.Sequence).DefaultIfEmpty().Max();

    private static long RestoredBy(RestoreOrigin restore, IReadOnlyList<Backup> all) =>
        restore.Restored ?? all.FirstOrDefault(backup => backup.Name == restore.BackupName)?.Sequence ?? 0;
}
