namespace BackupApi.Model;

/// <summary>One kind of operation in figures.</summary>
/// <param name="SuccessRate">Share of those that ended ok, from 0 to 1; null when there were none. A skipped one counts as neither.</param>
/// <param name="AverageMs">Of the last 100 that were done.</param>
/// <param name="P95Ms">As above: 95 of 100 took no longer.</param>
internal sealed record KindStats(OperationKind Kind, int Count, int Ok, int Partial, int Failed, double? SuccessRate, long AverageMs, long P95Ms);

/// <summary>One day of UTC in figures.</summary>
internal sealed record DayStats(string Day, int Backups, int Confirmed, int Failed, long BytesRead, long ArchiveBytes, long AverageMs);

/// <summary>Figures of history. Pure.</summary>
/// <param name="GrowthBytesPerDay">By how much all backups together grow, by least squares over 30 days; null with less than a day of history.</param>
/// <param name="DaysUntilFull">At that pace; null when they do not grow.</param>
internal sealed record HistoryStats(IReadOnlyList<KindStats> Kinds, IReadOnlyList<DayStats> Days, long? GrowthBytesPerDay, double? DaysUntilFull)
{
    public const int Remembered = 100;
    public const int DaysShown = 30;

    public static HistoryStats Of(IReadOnlyList<HistoryEntry> newestFirst, DateTimeOffset now, long freeBytes)
    {
        var month = newestFirst.Where(e => now - e.Operation.StartedAt <= TimeSpan.FromDays(DaysShown)).ToList();
        var growth = Growth([.. month.Where(e => e.ArchiveBytes > 0)]);
        return new HistoryStats(
            [.. newestFirst.GroupBy(e => e.Operation.Kind).OrderBy(g => g.Key).Select(OfKind)],
            [.. month.Where(e => e.Operation.Kind == OperationKind.Backup).GroupBy(e => e.Operation.StartedAt.UtcDateTime.Date).OrderByDescending(g => g.Key).Take(DaysShown).Select(OfDay)],
            growth,
            growth > 0 ? Math.Round((double)freeBytes / growth.Value, 1) : null);
    }

    /// <summary>The value that <paramref name="share"/> of the sorted values do not exceed (nearest rank); 0 for none.</summary>
    public static long Percentile(IReadOnlyList<long> sorted, double share) =>
        sorted.Count == 0 ? 0 : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];

    private static KindStats OfKind(IGrouping<OperationKind, HistoryEntry> kind)
    {
        int Count(Outcome outcome) => kind.Count(e => e.Operation.Outcome == outcome);
        var (ok, partial, failed) = (Count(Outcome.Ok), Count(Outcome.Partial), Count(Outcome.Failed));
        var last = kind.Where(e => e.Operation.Outcome is Outcome.Ok or Outcome.Partial).Take(Remembered).Select(e => e.DurationMs).Order().ToList();
        return new KindStats(
            kind.Key, kind.Count(), ok, partial, failed, ok + partial + failed == 0 ? null : Math.Round((double)ok / (ok + partial + failed), 4),
            last.Count == 0 ? 0 : (long)last.Average(), Percentile(last, 0.95));
    }

    private static DayStats OfDay(IGrouping<DateTime, HistoryEntry> day) => new(
        day.Key.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
        day.Count(e => e.Operation.Outcome is Outcome.Ok or Outcome.Partial),
        day.Count(e => e.Operation.Confirmed),
        day.Count(e => e.Operation.Outcome == Outcome.Failed),
        day.Sum(e => e.Operation.BytesRead),
        day.Sum(e => e.ArchiveBytes),
        day.Any() ? (long)day.Average(e => e.DurationMs) : 0);

    private static long? Growth(List<HistoryEntry> newestFirst)
    {
        if (newestFirst.Count < 2 || newestFirst[0].Operation.StartedAt - newestFirst[^1].Operation.StartedAt < TimeSpan.FromDays(1))
        {
            return null;
        }

        var begin = newestFirst[^1].Operation.StartedAt;
        var points = newestFirst.ConvertAll(e => (Day: (e.Operation.StartedAt - begin).TotalDays, Bytes: (double)e.TotalBytes));
        var (meanDay, meanBytes) = (points.Average(p => p.Day), points.Average(p => p.Bytes));
        var spread = points.Sum(p => (p.Day - meanDay) * (p.Day - meanDay));
        return spread == 0 ? null : (long)Math.Round(points.Sum(p => (p.Day - meanDay) * (p.Bytes - meanBytes)) / spread);
    }
}
