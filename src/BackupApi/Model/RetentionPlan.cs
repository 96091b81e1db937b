namespace BackupApi.Model;

/// <summary>One backup and why it stays or goes.</summary>
internal sealed record RetentionDecision(Backup Backup, bool Keep, IReadOnlyList<string> Reasons);

/// <summary>What rotation would do now, newest first. Nothing is touched by making it.</summary>
internal sealed record RetentionPlan(IReadOnlyList<RetentionDecision> Decisions)
{
    public IEnumerable<Backup> Keep => Decisions.Where(d => d.Keep).Select(d => d.Backup);

    public IEnumerable<Backup> Remove => Decisions.Where(d => !d.Keep).Select(d => d.Backup);
}

/// <summary>Decides which backups stay. Pure: no file, no clock; order is the manifest's sequence number.</summary>
/// <param name="MaxBackups">How many are kept, from 1; safety backups, pinned and foreign archives are counted apart.</param>
/// <param name="MaxSafetyBackups">How many backups taken before a restore are kept.</param>
internal sealed record RetentionPolicy(int MaxBackups, int MaxSafetyBackups = 3)
{
    /// <summary>Says what stays and why.</summary>
    /// <remarks>
    /// Over the limit, the oldest that is not the newest of its hour goes first, so that a burst evicts itself before it evicts history.
    /// Kept whatever the limit says: archives without our manifest, pinned ones, the newest proven one, and the newest in which each database was
    /// proven. So a proven backup goes only when a newer one is proven, and a database that stays damaged fills neither the disk nor takes its good copy.
    /// </remarks>
    public RetentionPlan Plan(IEnumerable<Backup> backups)
    {
        var newestFirst = backups.OrderByDescending(b => b.Sequence).ThenByDescending(b => b.CreatedAt).ThenByDescending(b => b.Name, StringComparer.Ordinal).ToList();
        var reasons = newestFirst.ToDictionary(b => b, _ => new List<string>(), ReferenceEqualityComparer.Instance as IEqualityComparer<Backup>);
        var newestProven = newestFirst.Find(b => b.IsOurs && b.IsProven);

        foreach (var backup in newestFirst)
        {
            reasons[backup].AddRange(Protection(backup, newestProven));
        }

        foreach (var (source, backup) in NewestProvenOfEachSource(newestFirst))
        {
            reasons[backup].Add($"newest in which {source} was proven");
        }

        var rotated = newestFirst.Where(b => b.IsOurs && b.Pins.Count == 0).ToList();
        KeepWithinLimit(rotated.Where(b => !b.IsSafety).ToList(), MaxBackups, "rotation", reasons);
        KeepWithinLimit(rotated.Where(b => b.IsSafety).ToList(), MaxSafetyBackups, "safety", reasons);

        return new RetentionPlan([.. newestFirst.Select(b => reasons[b] is { Count: > 0 } kept
            ? new RetentionDecision(b, true, kept)
            : new RetentionDecision(b, false, [$"over the limit of {(b.IsSafety ? MaxSafetyBackups : MaxBackups)}"]))]);
    }

    private static IEnumerable<string> Protection(Backup backup, Backup? newestProven)
    {
        if (!backup.IsOurs)
        {
            yield return "carries no manifest of ours: never removed";
        }

        foreach (var pin in backup.Pins)
        {
            yield return $"pinned: {pin}";
        }

        if (ReferenceEquals(backup, newestProven))
        {
            yield return "newest proven backup";
        }

        if (backup.IsProven && newestProven is not null && backup.Sequence == newestProven.Sequence && !ReferenceEquals(backup, newestProven))
        {
            yield return "as new as the newest proven backup";
        }
    }

    private static IEnumerable<(string Source, Backup Backup)> NewestProvenOfEachSource(List<Backup> newestFirst)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return from backup in newestFirst
               where backup.IsOurs && backup.Damage is null
               from source in backup.Sources
               where source.Engine != Source.PlainFiles && source.IsProven && seen.Add(source.Name)
               select (source.Name, backup);
    }

    private static void KeepWithinLimit(List<Backup> newestFirst, int limit, string slot, Dictionary<Backup, List<string>> reasons)
    {
        var kept = new List<Backup>(newestFirst);
        while (kept.Count > limit)
        {
            var newestOfHour = kept.GroupBy(b => b.CreatedAt.UtcTicks / TimeSpan.TicksPerHour).Select(hour => hour.First()).ToHashSet();
            kept.Remove(kept.FindLast(b => !newestOfHour.Contains(b)) ?? kept[^1]);
        }

        for (var i = 0; i < kept.Count; i++)
        {
            reasons[kept[i]].Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{slot} {i + 1} of {limit}"));
        }
    }
}
