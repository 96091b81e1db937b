using System.Text.Json.Serialization;
using BackupApi.Model;
using BackupApi.Model.Timing;

namespace BackupApi.Operations;

/// <summary>When backups are taken by themselves, as the settings say or as a person changed it.</summary>
internal sealed record SchedulePlan
{
    public const int MaxSchedules = 50;
    public const int MaxJitterSeconds = 24 * 3600;

    public bool Enabled { get; init; } = true;

    /// <summary>Held back until somebody resumes; nothing is called overdue meanwhile.</summary>
    public bool Paused { get; init; }

    public IReadOnlyList<ScheduleRule> Schedules { get; init; } = [];

    public int JitterSeconds { get; init; }

    public StartBackup OnStart { get; init; }

    public StopBackup OnStop { get; init; }

    [JsonIgnore]
    public bool IsRunning => Enabled && !Paused;

    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>.</exception>
    public void Check()
    {
        if (Schedules.Count > MaxSchedules || JitterSeconds is < 0 or > MaxJitterSeconds)
        {
            throw new BackupException(Fault.InvalidRequest, "The schedule is out of bounds.", $"Allowed are up to {MaxSchedules} schedules and a jitter from 0 to {MaxJitterSeconds} seconds.");
        }

        foreach (var rule in Schedules)
        {
            try
            {
                rule.Check();
            }
            catch (FormatException e)
            {
                throw new BackupException(Fault.InvalidRequest, $"A schedule is wrong: {e.Message}.", "Examples: {\"intervalMs\":3600000}, {\"cron\":\"0 2 * * *\"}, {\"frequency\":\"weekly\",\"time\":\"02:00\",\"weekday\":0}.");
            }
        }
    }
}
