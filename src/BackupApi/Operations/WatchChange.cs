using System.Text.Json;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Raises an alarm when a backup differs suspiciously from those before it, and keeps the newest one before until a person acknowledged it. Rotation goes on with the rest.</summary>
internal sealed partial class WatchChange(ServiceSettings settings, WorkFolders folders, BackupCatalog catalog, TimeProvider clock, ILogger<BackupManager> log)
{
    /// <summary>Acknowledged alarms are remembered up to this number: they are what later backups are no longer compared beyond.</summary>
    private const int MaxKept = 500;

    private readonly Lock gate = new();
    private IReadOnlyList<Alarm>? alarms;

    private string Path => $"{folders.State}/alarms.json";

    /// <summary>Newest first, acknowledged ones included.</summary>
    public IReadOnlyList<Alarm> List()
    {
        lock (gate)
        {
            return alarms ??= Load();
        }
    }

    public IReadOnlyList<Alarm> Standing() => [.. List().Where(a => a.AcknowledgedAt is null)];

    /// <summary>Looks at a backup that was just written. A subject whose alarm stands raises no second one.</summary>
    public void Run(Backup newest)
    {
        var earlier = catalog.List().Where(b => b is { IsOurs: true, IsSafety: false, Damage: null } && b.Sequence < newest.Sequence).ToList();
        var known = List();
        var standing = known.Where(a => a.AcknowledgedAt is null).Select(a => a.Subject).ToHashSet(StringComparer.Ordinal);
        var found = SuspiciousChange.Find(newest, EarlierOf, settings.AlarmDropPercent).Where(s => !standing.Contains(s.Subject)).ToList();
        if (newest.IsSafety || found.Count == 0)
        {
            return;
        }

        var before = earlier.Find(b => b.IsProven) ?? earlier.FirstOrDefault();
        var raised = found.Select((s, i) => new Alarm(
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{newest.Sequence}-{i + 1}"), s.Subject, s.Message, newest.Name, newest.Sequence, before?.Name, clock.GetUtcNow())).ToList();
        foreach (var alarm in raised)
        {
            LogRaised(log, alarm.Id, alarm.Message, alarm.SeenIn, alarm.PinnedBackup);
        }

        // The pin first: a kill in between leaves a pin that a person can lift, never an alarm without its copy.
        if (before is not null)
        {
            catalog.Record(before.Name, state => state with { Pins = [.. state.Pins, .. raised.Select(PinOf)] });
        }

        Store([.. raised, .. known]);

        IReadOnlyList<Backup> EarlierOf(string subject)
        {
            var since = known.Where(a => a.AcknowledgedAt is not null && a.Subject == subject).Select(a => a.Sequence).DefaultIfEmpty(0).Max();
            return since == 0 ? earlier : earlier.FindAll(b => b.Sequence >= since);
        }
    }

    /// <summary>The change is as it should be: its pin goes, and what comes is compared with what is now. A second time changes nothing.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>.</exception>
    public Alarm Acknowledge(string id)
    {
        var known = List();
        var alarm = known.FirstOrDefault(a => a.Id == id) ?? throw new BackupException(Fault.NotFound, $"There is no alarm '{id}'.", "GET /api/alarms lists those there are.");
        if (alarm.AcknowledgedAt is not null)
        {
            return alarm;
        }

        var acknowledged = alarm with { AcknowledgedAt = clock.GetUtcNow() };
        Store([.. known.Select(a => a.Id == id ? acknowledged : a)]);
        if (alarm.PinnedBackup is { } pinned && catalog.Find(pinned) is not null)
        {
            catalog.Record(pinned, state => state with { Pins = [.. state.Pins.Where(pin => pin != PinOf(alarm))] });
        }

        return acknowledged;
    }

    /// <summary>A change of our own making is no alarm: backups from now on are no longer compared beyond <paramref name="backup"/>. Kept as an alarm that nobody needs to acknowledge.</summary>
    public void Expect(IReadOnlyList<string> subjects, string message, string backup)
    {
        var (now, sequence) = (clock.GetUtcNow(), (catalog.Find(backup)?.Sequence ?? 0) + 1);
        Store([
            .. subjects.Select(subject => new Alarm(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{sequence}-{subject}-{now.ToUnixTimeSeconds()}"), subject, message, backup, sequence, null, now) { AcknowledgedAt = now }),
            .. List(),
        ]);
    }

    private static string PinOf(Alarm alarm) => $"alarm {alarm.Id}: {alarm.Message}";

    private void Store(IReadOnlyList<Alarm> all)
    {
        lock (gate)
        {
            alarms = [.. all.Where(a => a.AcknowledgedAt is null), .. all.Where(a => a.AcknowledgedAt is not null).Take(MaxKept)];
            AtomicFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(alarms, Json.Indented));
        }
    }

    private List<Alarm> Load()
    {
        try
        {
            return File.Exists(Path) ? JsonSerializer.Deserialize<List<Alarm>>(File.ReadAllBytes(Path), Json.Options) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Alarm {Id}: {Message} Seen in {Backup}; {Pinned}, the newest before it, is pinned until POST /api/alarms/{Id}/acknowledge")]
    private static partial void LogRaised(ILogger logger, string id, string message, string backup, string? pinned);
}
