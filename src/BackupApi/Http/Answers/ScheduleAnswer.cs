using BackupApi.Model.Timing;
using BackupApi.Operations;

namespace BackupApi.Http.Answers;

/// <summary>When backups are taken by themselves.</summary>
internal sealed record ScheduleAnswer
{
    private const int RunsShown = 5;

    public bool Success => true;

    public required bool Enabled { get; init; }

    public required bool Paused { get; init; }

    public required IReadOnlyList<ScheduleRule> Schedules { get; init; }

    public required int JitterSeconds { get; init; }

    public required StartBackup OnStart { get; init; }

    public required StopBackup OnStop { get; init; }

    /// <summary>IANA name, from TZ.</summary>
    public required string TimeZone { get; init; }

    /// <summary>With the offset of that zone at that time; null when none will come.</summary>
    public string? NextScheduled { get; init; }

    /// <summary>The next runs, without jitter for all but the first.</summary>
    public required IReadOnlyList<string> Next { get; init; }

    public static ScheduleAnswer Example { get; } = new()
    {
        Enabled = true,
        Paused = false,
        Schedules = [new ScheduleRule { Frequency = ScheduleFrequency.Daily, Time = "02:00" }],
        JitterSeconds = 0,
        OnStart = StartBackup.Stale,
        OnStop = StopBackup.Changed,
        TimeZone = "Europe/Berlin",
        NextScheduled = "2026-11-21T02:00:00+01:00",
        Next = ["2026-11-21T02:00:00+01:00", "2026-11-22T02:00:00+01:00"],
    };

    public static ScheduleAnswer Of(ScheduleState schedule)
    {
        var (plan, timetable, next) = (schedule.Plan, schedule.Timetable, new List<string>());
        var first = schedule.NextAt;
        for (var at = first; at is not null && next.Count < RunsShown; at = timetable.NextAfter(at.Value))
        {
            next.Add(ZonedText.Of(at, schedule.Zone)!);
        }

        return new ScheduleAnswer
        {
            Enabled = plan.Enabled,
            Paused = plan.Paused,
            Schedules = plan.Schedules,
            JitterSeconds = plan.JitterSeconds,
            OnStart = plan.OnStart,
            OnStop = plan.OnStop,
            TimeZone = schedule.Zone.Id,
            NextScheduled = ZonedText.Of(first, schedule.Zone),
            Next = next,
        };
    }
}

/// <summary>Body of <c>PUT /api/schedule</c>: what is left out stays as it is.</summary>
internal sealed record ScheduleBody
{
    public bool? Enabled { get; init; }

    /// <summary>Each with one of: intervalMs; cron; frequency (daily, weekly) with time and, weekly, weekday.</summary>
    public IReadOnlyList<ScheduleRule>? Schedules { get; init; }

    /// <summary>A run begins up to this much after it is due.</summary>
    public int? JitterSeconds { get; init; }

    public StartBackup? OnStart { get; init; }

    public StopBackup? OnStop { get; init; }

    public static ScheduleBody Example { get; } = new() { Schedules = [new ScheduleRule { Frequency = ScheduleFrequency.Daily, Time = "02:00" }] };

    public SchedulePlan Over(SchedulePlan plan) => plan with
    {
        Enabled = Enabled ?? plan.Enabled,
        Schedules = Schedules ?? plan.Schedules,
        JitterSeconds = JitterSeconds ?? plan.JitterSeconds,
        OnStart = OnStart ?? plan.OnStart,
        OnStop = OnStop ?? plan.OnStop,
    };
}
