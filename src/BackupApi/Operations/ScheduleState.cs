using System.Text.Json;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Model.Timing;

namespace BackupApi.Operations;

/// <summary>The schedule in force, and when the next backup is due by it. What a person changed outlives a restart.</summary>
internal sealed partial class ScheduleState(ServiceSettings settings, WorkFolders folders, BackupCatalog catalog, TimeProvider clock, ILogger<BackupManager> log)
{
    /// <summary>A wall clock set back by more than this moves an interval's next run, which would else be late by as much.</summary>
    private static readonly TimeSpan SetBack = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private SchedulePlan plan = FromSettings(settings);
    private DateTimeOffset anchor = clock.GetUtcNow();
    private (DateTimeOffset Anchor, SchedulePlan Plan, DateTimeOffset? At)? next;
    private TaskCompletionSource changed = New();

    /// <summary>Since when the schedule in force counts: the start, or the last change of it.</summary>
    public DateTimeOffset Since { get; private set; } = clock.GetUtcNow();

    public SchedulePlan Plan
    {
        get
        {
            lock (gate)
            {
                return plan;
            }
        }
    }

    /// <summary>Ends when <see cref="NextAt"/> changes next: by a run, or by a person.</summary>
    public Task Changed
    {
        get
        {
            lock (gate)
            {
                return changed.Task;
            }
        }
    }

    public TimeZoneInfo Zone => settings.TimeZone;

    /// <summary>Of the schedule in force, running or not.</summary>
    public Timetable Timetable => new(Plan.Schedules, settings.TimeZone, TimeSpan.FromSeconds(Plan.JitterSeconds), Environment.MachineName);

    /// <summary>When the next scheduled backup begins; null when none will.</summary>
    public DateTimeOffset? NextAt
    {
        get
        {
            lock (gate)
            {
                // Health asks hundreds of times a second; the answer changes with these two only.
                if (next is not { } known || known.Anchor != anchor || !ReferenceEquals(known.Plan, plan))
                {
                    var timetable = Timetable;
                    next = known = (anchor, plan, plan.IsRunning && timetable.NextAfter(anchor) is { } due ? timetable.BeginOf(due) : null);
                }

                return known.At;
            }
        }
    }

    private string Path => $"{folders.State}/schedule.json";

    /// <summary>Takes up where the last process left off: what a person changed, and the interval since the newest backup. A run missed meanwhile is the start's to make up for, once.</summary>
    public void Load()
    {
        lock (gate)
        {
            plan = Stored() ?? FromSettings(settings);
            var now = clock.GetUtcNow();
            var newest = catalog.List().FirstOrDefault(b => b is { IsOurs: true, Damage: null, IsSafety: false });
            var last = newest?.ConfirmedAt ?? newest?.CreatedAt;
            anchor = last <= now && Timetable.NextAfter(last.Value) > now ? last.Value : now;
            Since = now;
        }

        Wake();
    }

    /// <summary>Has whoever waits for <see cref="Changed"/> look at <see cref="NextAt"/> again.</summary>
    public void Wake()
    {
        TaskCompletionSource told;
        lock (gate)
        {
            (told, changed) = (changed, New());
        }

        told.SetResult();
    }

    /// <summary>A run begins now: the next one is reckoned from here.</summary>
    public void Ran()
    {
        lock (gate)
        {
            anchor = clock.GetUtcNow();
        }

        Wake();
    }

    /// <summary>Notices a clock that was set back.</summary>
    public void LookAtClock()
    {
        var now = clock.GetUtcNow();
        lock (gate)
        {
            if (anchor - now > (Timetable.HasInterval ? SetBack : TimeSpan.FromDays(1)))
            {
                anchor = now;
            }
        }
    }

    /// <summary>Puts another schedule in force, and keeps it.</summary>
    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>.</exception>
    public SchedulePlan Change(Func<SchedulePlan, SchedulePlan> change)
    {
        TaskCompletionSource told;
        SchedulePlan another;
        lock (gate)
        {
            another = change(plan);
            another.Check();
            Directory.CreateDirectory(folders.State);
            AtomicFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(another, Json.Indented));
            plan = another;
            anchor = Since = clock.GetUtcNow();
            (told, changed) = (changed, New());
        }

        told.SetResult();
        return another;
    }

    private SchedulePlan? Stored()
    {
        try
        {
            if (File.Exists(Path) && JsonSerializer.Deserialize<SchedulePlan>(File.ReadAllBytes(Path), Json.Options) is { } stored)
            {
                stored.Check();
                return stored;
            }
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException or BackupException)
        {
            LogUnreadable(log, Path, e.Message);
        }

        return null;
    }

    private static SchedulePlan FromSettings(ServiceSettings settings) => new()
    {
        Enabled = settings.AutoBackupEnabled,
        Schedules = settings.Schedules.Count > 0 ? settings.Schedules : [ScheduleRule.Every(settings.Interval)],
        JitterSeconds = (int)settings.Jitter.TotalSeconds,
        OnStart = settings.OnStart,
        OnStop = settings.OnStop,
    };

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} is not used, the settings are: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string file, string reason);
}
