namespace BackupApi.Model.Timing;

/// <summary>All rules together: a backup is due whenever one of them says so. Pure.</summary>
/// <param name="Jitter">A run begins up to this much after it is due, so that many services do not begin in one second.</param>
/// <param name="Place">Names this service among the others, for a delay of its own.</param>
internal sealed record Timetable(IReadOnlyList<ScheduleRule> Rules, TimeZoneInfo Zone, TimeSpan Jitter, string Place = "")
{
    /// <summary>How long after a run was due, delay included, it is called overdue.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    public bool HasInterval => Rules.Any(r => r.IsInterval);

    /// <summary>When the next backup is due after this instant; null when there is no rule, or none comes again.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset instant) => Rules.Select(r => r.NextAfter(instant, Zone)).Where(next => next is not null).Min();

    /// <summary>When the run that is due then begins. The same for one due time however often it is asked, and different from place to place.</summary>
    public DateTimeOffset BeginOf(DateTimeOffset due) => due + (Jitter * Fraction(due));

    /// <summary>Until when a backup of this instant is as young as was promised: two runs must have failed to renew it.</summary>
    public DateTimeOffset? FreshUntil(DateTimeOffset instant) => NextAfter(instant) is { } first && NextAfter(first) is { } second ? BeginOf(second) : null;

    /// <summary>FNV-1a (draft-eastlake-fnv) of place and time, from 0 to below 1: nothing secret hangs on it.</summary>
    private double Fraction(DateTimeOffset due)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in $"{Place}|{due.UtcTicks}")
        {
            hash = unchecked((hash ^ c) * 1099511628211UL);
        }

        return (hash >> 32) / 4294967296.0;
    }
}
