namespace BackupApi.Model;

internal enum AlertKind
{
    Failure,
    Recovery,
    Alarm,
    Overdue,
    Slow,
    Test,
}

/// <summary>One thing that is told to people who do not look.</summary>
/// <param name="Code">Of the health reason it is about; <c>slow</c>, <c>slow-start</c> or <c>test</c> where there is none.</param>
internal sealed record Alert(AlertKind Kind, string Code, string Title, string Message, string Hint, DateTimeOffset At);

/// <summary>Where alerts go to.</summary>
internal enum ChannelKind
{
    Webhook,
    Slack,
    Discord,
    Teams,
    Ntfy,
    Gotify,
    Mail,
}

/// <summary>One place that alerts go to. The address and the token are secrets: they are never shown or logged.</summary>
internal sealed record AlertChannel(string Name, ChannelKind Kind, Uri? Address = null, string? Token = null);

/// <summary>How mail is sent.</summary>
internal sealed record MailSettings(string Host, int Port, bool UsesTls, string From, IReadOnlyList<string> To, string? User, string? Password);

internal sealed record AlertSettings
{
    public IReadOnlyList<AlertChannel> Channels { get; init; } = [];

    /// <summary>Null when no channel is mail.</summary>
    public MailSettings? Mail { get; init; }

    /// <summary>Asked at the start, the success and the failure of each backup, in the manner of Healthchecks.io; null for none.</summary>
    public Uri? PingUrl { get; init; }
}

/// <summary>Decides what is told, and when again. Pure.</summary>
internal static class AlertRules
{
    /// <summary>What goes on is told again after this time, not sooner.</summary>
    public static readonly TimeSpan RepeatAfter = TimeSpan.FromDays(1);

    /// <summary>An operation that takes this many times as long as usual is told.</summary>
    public const int SlowFactor = 3;

    /// <summary>Of fewer, nothing usual is known; below <see cref="LeastSlow"/> nobody waits.</summary>
    private const int LeastSamples = 5;

    private static readonly TimeSpan LeastSlow = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(10);

    /// <param name="told">By key, what was told and when last.</param>
    /// <returns>What is to be told now, and what was told after that.</returns>
    public static (IReadOnlyList<Alert> Alerts, IReadOnlyDictionary<string, DateTimeOffset> Told) Decide(
        IReadOnlyDictionary<string, DateTimeOffset> told, IReadOnlyList<HealthReason> reasons, DateTimeOffset now)
    {
        var alerts = new List<Alert>();
        var next = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var reason in reasons.Where(r => r.Code != "no-backup-yet"))
        {
            var key = $"{reason.Code} {reason.Subject}".TrimEnd();
            var isDue = !told.TryGetValue(key, out var last) || now - last >= RepeatAfter;
            next[key] = isDue ? now : last;
            if (isDue)
            {
                alerts.Add(new Alert(KindOf(reason.Code), reason.Code, $"BackupApi: {reason.Severity}", reason.Message, reason.Hint, now));
            }
        }

        alerts.AddRange(told.Keys.Where(key => !next.ContainsKey(key)).Select(key => new Alert(AlertKind.Recovery, key.Split(' ')[0], "BackupApi: over", $"{key} is over.", "Nothing needs to be done.", now)));
        return (alerts, next);
    }

    /// <summary>Whether an operation took far longer than those of its kind before it.</summary>
    /// <param name="earlier">Durations of the last ones of its kind.</param>
    public static Alert? Slow(OperationRecord ended, IReadOnlyList<TimeSpan> earlier)
    {
        var took = (ended.EndedAt ?? ended.StartedAt) - ended.StartedAt;
        var usual = earlier.Count < LeastSamples ? (TimeSpan?)null : earlier.Order().ElementAt(earlier.Count / 2);
        return usual is { } normal && took >= LeastSlow && took > normal * SlowFactor
            ? new Alert(AlertKind.Slow, "slow", "BackupApi: slow", FormattableString.Invariant($"{ended.Kind} {ended.Id} took {took.TotalSeconds:F0} s; {normal.TotalSeconds:F0} s are usual."), "Look at the disk and at what else the machine does.", ended.EndedAt ?? ended.StartedAt)
            : null;
    }

    /// <summary>Whether the service was long in coming up: the application waits for it.</summary>
    public static Alert? SlowStart(TimeSpan took, DateTimeOffset now) => took <= LongestStart
        ? null
        : new Alert(AlertKind.Slow, "slow-start", "BackupApi: slow start", FormattableString.Invariant($"The start took {took.TotalSeconds:F0} s; up to {LongestStart.TotalSeconds:F0} s are usual."), "A restore at the start takes its time (GET /api/operations names it); else look at the disk that holds the backups.", now);

    private static AlertKind KindOf(string code) => code switch
    {
        "suspicious-change" => AlertKind.Alarm,
        "overdue" => AlertKind.Overdue,
        _ => AlertKind.Failure,
    };
}
