using System.Globalization;

namespace BackupApi.Model;

/// <summary>How many backups are kept of each kind of period, and the bounds of age and size. Zero and null: no such rule.</summary>
internal sealed record RetentionRules
{
    /// <summary>The newest ones, whatever the calendar says; counts only beside a calendar, where it is at least 1.</summary>
    public int Recent { get; init; }

    public int Hourly { get; init; }

    public int Daily { get; init; }

    /// <summary>Weeks begin on Sunday.</summary>
    public int Weekly { get; init; }

    public int Monthly { get; init; }

    public int Yearly { get; init; }

    public TimeSpan? MaxAge { get; init; }

    /// <summary>Of all backups of ours together.</summary>
    public long? MaxTotalBytes { get; init; }

    /// <summary>A larger archive is kept only as long as it is the newest, or the newest proven one.</summary>
    public long? MaxArchiveBytes { get; init; }

    /// <summary>The calendar decides, and no longer the plain number of backups.</summary>
    public bool HasCalendar => Recent + Hourly + Daily + Weekly + Monthly + Yearly > 0;

    /// <summary>Grandfather, father, son: the most recent, today's, this week's (from Sunday), those of twelve months (from the first), this year's (from January 1st): at most 16.</summary>
    public static RetentionRules Classic { get; } = new() { Recent = 1, Daily = 1, Weekly = 1, Monthly = 12, Yearly = 1 };
}

/// <summary>Decides which backups stay. Pure: no file, no clock; order is the manifest's sequence number, never the order of the list.</summary>
/// <param name="MaxBackups">How many are kept, from 1, unless <see cref="Rules"/> have a calendar; safety backups, pinned and foreign archives are counted apart.</param>
/// <param name="MaxSafetyBackups">How many backups taken before a restore are kept.</param>
internal sealed record RetentionPolicy(int MaxBackups, int MaxSafetyBackups = 3)
{
    /// <summary>How many of the newest no bound of age takes: a clock that jumped years ahead must not empty the folder.</summary>
    public const int NeverTooOld = 3;

    public RetentionRules Rules { get; init; } = new();

    /// <summary>Whose midnight it is that days, weeks, months and years begin at.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>Says what stays and why.</summary>
    /// <remarks>
    /// Over the number, the oldest that is not the newest of its hour goes first, so that a burst evicts itself before it evicts history.
    /// Kept whatever a rule says: archives without our manifest, pinned ones, the newest, the newest proven one, and the newest in which each database was
    /// proven. So a proven backup goes only when a newer one is proven, and a database that stays damaged fills neither the disk nor takes its good copy.
    /// A plan is stable: made again of what it keeps, it keeps all of that.
    /// </remarks>
    /// <param name="now">For the bound of age, and to tell backups that say they come from the future.</param>
    public RetentionPlan Plan(IEnumerable<Backup> backups, DateTimeOffset now)
    {
        var draft = new RetentionDraft(backups);
        Protect(draft);

        var rotated = draft.NewestFirst.Where(b => b.IsOurs && b.Pins.Count == 0).ToList();
        var regular = rotated.Where(b => !b.IsSafety && !DropIfTooLarge(draft, b)).ToList();
        if (Rules.HasCalendar)
        {
            RetentionCalendar.Fill(draft, regular, Rules, TimeZone, now);
        }
        else
        {
            KeepWithinLimit(draft, regular, MaxBackups, "rotation");
        }

        KeepWithinLimit(draft, rotated.Where(b => b.IsSafety).ToList(), MaxSafetyBackups, "safety");
        DropTooOld(draft, now);
        DropOverTotal(draft);
        return draft.Finish(WhyNot);
    }

    /// <summary>What no rule may remove.</summary>
    public static IReadOnlySet<Backup> ProtectedOf(IEnumerable<Backup> backups)
    {
        var draft = new RetentionDraft(backups);
        Protect(draft);
        return draft.NewestFirst.Where(draft.IsProtected).ToHashSet(ReferenceEqualityComparer.Instance as IEqualityComparer<Backup>);
    }

    private static void Protect(RetentionDraft draft)
    {
        var ours = draft.NewestFirst.Where(b => b.IsOurs).ToList();
        foreach (var backup in draft.NewestFirst.Where(b => !b.IsOurs))
        {
            draft.Protect(backup, "carries no manifest of ours: never removed");
        }

        foreach (var (backup, pin) in draft.NewestFirst.SelectMany(b => b.Pins.Select(pin => (b, pin))))
        {
            draft.Protect(backup, $"pinned: {pin}");
        }

        if (ours.Find(b => !b.IsSafety) is { } newest)
        {
            draft.Protect(newest, "newest backup");
        }

        if (ours.Find(b => b.IsProven) is { } proven)
        {
            draft.Protect(proven, "newest proven backup");

            // Two archives with one number: which of them is the newer cannot be told.
            ours.FindAll(b => b.IsProven && b.Sequence == proven.Sequence && !ReferenceEquals(b, proven)).ForEach(b => draft.Protect(b, "as new as the newest proven backup"));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (backup, source) in ours.Where(b => b.Damage is null).SelectMany(b => b.Sources.Select(source => (b, source))))
        {
            if (source.Engine != Source.PlainFiles && source.IsProven && seen.Add(source.Name))
            {
                draft.Protect(backup, $"newest in which {source.Name} was proven");
            }
        }
    }

    private static void KeepWithinLimit(RetentionDraft draft, List<Backup> newestFirst, int limit, string slot)
    {
        var newestOfHour = newestFirst.GroupBy(b => b.CreatedAt.UtcTicks / TimeSpan.TicksPerHour).Select(hour => hour.First()).ToHashSet(ReferenceEqualityComparer.Instance as IEqualityComparer<Backup>);
        var evicted = Enumerable.Reverse(newestFirst).OrderBy(newestOfHour.Contains).Take(Math.Max(0, newestFirst.Count - limit)).ToHashSet(ReferenceEqualityComparer.Instance as IEqualityComparer<Backup>);
        var kept = newestFirst.FindAll(b => !evicted.Contains(b));
        for (var i = 0; i < kept.Count; i++)
        {
            draft.Keep(kept[i], string.Create(CultureInfo.InvariantCulture, $"{slot} {i + 1} of {limit}"));
        }
    }

    private bool DropIfTooLarge(RetentionDraft draft, Backup backup)
    {
        if (Rules.MaxArchiveBytes is not { } limit || backup.SizeBytes <= limit)
        {
            return false;
        }

        draft.Drop(backup, $"larger than {Megabytes(limit)} MB");
        return true;
    }

    private void DropTooOld(RetentionDraft draft, DateTimeOffset now)
    {
        if (Rules.MaxAge is { } age)
        {
            foreach (var old in draft.NewestFirst.Where(b => b.IsOurs).Skip(NeverTooOld).Where(b => now - (b.ConfirmedAt ?? b.CreatedAt) > age))
            {
                draft.Drop(old, string.Create(CultureInfo.InvariantCulture, $"older than {age.TotalDays:0.##} days"));
            }
        }
    }

    /// <summary>Those never proven go first, then the oldest.</summary>
    private void DropOverTotal(RetentionDraft draft)
    {
        if (Rules.MaxTotalBytes is not { } limit)
        {
            return;
        }

        var kept = draft.NewestFirst.Where(b => b.IsOurs && draft.IsKept(b)).ToList();
        var total = kept.Sum(b => b.SizeBytes);
        foreach (var backup in Enumerable.Reverse(kept).Where(b => !draft.IsProtected(b)).OrderBy(b => b.IsProven).TakeWhile(_ => total > limit))
        {
            draft.Drop(backup, $"all together were over {Megabytes(limit)} MB");
            total -= backup.SizeBytes;
        }
    }

    private string WhyNot(Backup backup) =>
        backup.IsSafety ? $"over the limit of {Text(MaxSafetyBackups)} safety backups"
        : Rules.HasCalendar ? "fills no place in the calendar"
        : $"over the limit of {Text(MaxBackups)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => (bytes / (1024.0 * 1024)).ToString("0.##", CultureInfo.InvariantCulture);
}
