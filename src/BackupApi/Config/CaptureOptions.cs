namespace BackupApi.Config;

/// <summary>How hard a backup works, and how far it goes.</summary>
internal sealed record CaptureOptions
{
    /// <summary>Longest time a source may stay too busy to be captured whole, before the backup goes on without it and is <c>partial</c>.</summary>
    /// <value><c>Backup__CapturePatience</c>, in seconds or <c>hh:mm:ss</c>. Default: 60 seconds. From 1 second to 1 hour.</value>
    public required TimeSpan Patience { get; init; }

    /// <summary>Whether an owner of a LiteDB file that opens it while it is copied may be made to wait for a moment, half a second at most (a kernel lease).</summary>
    /// <value><c>Backup__LiteDbLease</c>. Default: true.</value>
    public required bool LiteDbLease { get; init; }

    /// <summary>Time after which a backup reads every file again, instead of believing that an unchanged one is unchanged.</summary>
    /// <value><c>Backup__FullReadEvery</c>, in seconds or <c>d.hh:mm:ss</c>. Default: 7 days. From 0 (always) to 366 days.</value>
    public required TimeSpan FullReadEvery { get; init; }

    /// <summary>Whether a scheduled run that found nothing changed writes a new archive all the same, instead of confirming the last one. Ten equal copies push history out.</summary>
    /// <value><c>Backup__AlwaysWrite</c>. Default: false.</value>
    public required bool AlwaysWrite { get; init; }

    /// <summary>Threads that read and compress while a person waits.</summary>
    /// <value><c>Backup__Threads</c>. Default: 0, as many as there are processors. From 0 to 64.</value>
    public required int Threads { get; init; }

    /// <summary>The same for scheduled runs, which stand beside a busy application.</summary>
    /// <value><c>Backup__ScheduledThreads</c>. Default: 1. From 0 (as many as there are processors) to 64.</value>
    public required int ScheduledThreads { get; init; }

    /// <summary>Most that is read in a second while a person waits.</summary>
    /// <value><c>Backup__MaxMBPerSecond</c>, in megabytes of 1,048,576 bytes. Default: 0, no limit. To 1,000,000.</value>
    public required long MegabytesPerSecond { get; init; }

    /// <summary>The same for scheduled runs.</summary>
    /// <value><c>Backup__ScheduledMaxMBPerSecond</c>, in megabytes of 1,048,576 bytes. Default: 0, no limit. To 1,000,000.</value>
    public required long ScheduledMegabytesPerSecond { get; init; }

    public static CaptureOptions Read(SettingsReader settings) => new()
    {
        Patience = settings.Duration("Backup__CapturePatience", TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        LiteDbLease = settings.Flag("Backup__LiteDbLease", true),
        FullReadEvery = settings.Duration("Backup__FullReadEvery", TimeSpan.FromDays(7), TimeSpan.Zero, TimeSpan.FromDays(366)),
        AlwaysWrite = settings.Flag("Backup__AlwaysWrite", false),
        Threads = ReadThreads(settings, "Backup__Threads", 0),
        ScheduledThreads = ReadThreads(settings, "Backup__ScheduledThreads", 1),
        MegabytesPerSecond = settings.Whole("Backup__MaxMBPerSecond", 0, 0, 1_000_000, "megabytes a second"),
        ScheduledMegabytesPerSecond = settings.Whole("Backup__ScheduledMaxMBPerSecond", 0, 0, 1_000_000, "megabytes a second"),
    };

    private static int ReadThreads(SettingsReader settings, string name, int byDefault) =>
        settings.Whole(name, byDefault, 0, 64, "threads") is var count and > 0 ? (int)count : Math.Min(64, Environment.ProcessorCount);
}
