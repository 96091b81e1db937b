using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>Which backups rotation keeps, beyond their plain number. Periods are those of <c>TZ</c>; each keeps its first proven backup.</summary>
internal sealed record RetentionOptions
{
    /// <summary>Where the calendar begins from: count (none; <c>MAX_BACKUPS</c> decides) or gfs (1 most recent, 1 daily, 1 weekly from Sunday, 12 monthly, 1 yearly: at most 16). The numbers below, where set, take the place of its own.</summary>
    /// <value><c>Backup__Retention</c>. Default: count. With gfs, or any number below above 0, <c>MAX_BACKUPS</c> is not used.</value>
    public required RetentionRules Calendar { get; init; }

    /// <summary>A backup older than this goes; never one of the three newest, nor what is protected.</summary>
    /// <value><c>Backup__Retention__MaxAgeDays</c>. Default: 0 (no bound). Up to 36,500 days.</value>
    public required int MaxAgeDays { get; init; }

    /// <summary>Largest size of all backups together; over it, unproven ones go first, then the oldest.</summary>
    /// <value><c>Backup__Retention__MaxTotalMegabytes</c>. Default: 0 (no bound).</value>
    public required long MaxTotalMegabytes { get; init; }

    /// <summary>Largest size of one archive: a larger one is kept only while it is the newest, or the newest proven one.</summary>
    /// <value><c>Backup__Retention__MaxArchiveMegabytes</c>. Default: 0 (no bound).</value>
    public required long MaxArchiveMegabytes { get; init; }

    private const long MostMegabytes = 1L << 40;

    public static RetentionOptions Read(SettingsReader settings)
    {
        var start = settings.Choice("Backup__Retention", Start.Count, Starts) == Start.Gfs ? RetentionRules.Classic : new RetentionRules();
        int Places(string period, int byDefault) => (int)settings.Whole($"Backup__Retention__{period}", byDefault, 0, 100_000, "backups");
        return new RetentionOptions
        {
            Calendar = new RetentionRules
            {
                Recent = Places("Recent", start.Recent),
                Hourly = Places("Hourly", start.Hourly),
                Daily = Places("Daily", start.Daily),
                Weekly = Places("Weekly", start.Weekly),
                Monthly = Places("Monthly", start.Monthly),
                Yearly = Places("Yearly", start.Yearly),
            },
            MaxAgeDays = (int)settings.Whole("Backup__Retention__MaxAgeDays", 0, 0, 36_500, "days"),
            MaxTotalMegabytes = settings.Whole("Backup__Retention__MaxTotalMegabytes", 0, 0, MostMegabytes, "megabytes"),
            MaxArchiveMegabytes = settings.Whole("Backup__Retention__MaxArchiveMegabytes", 0, 0, MostMegabytes, "megabytes"),
        };
    }

    public RetentionRules ToRules() => Calendar with
    {
        MaxAge = MaxAgeDays > 0 ? TimeSpan.FromDays(MaxAgeDays) : null,
        MaxTotalBytes = MaxTotalMegabytes > 0 ? MaxTotalMegabytes * 1024 * 1024 : null,
        MaxArchiveBytes = MaxArchiveMegabytes > 0 ? MaxArchiveMegabytes * 1024 * 1024 : null,
    };

    private enum Start
    {
        Count,
        Gfs,
    }

    private static readonly Dictionary<string, Start> Starts = new(StringComparer.OrdinalIgnoreCase) { ["count"] = Start.Count, ["gfs"] = Start.Gfs };
}
