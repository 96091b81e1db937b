using BackupApi.Model;
using BackupApi.Operations;
using Quartz;

namespace BackupApi.Triggers;

/// <summary>Takes the scheduled backup that is due. A failed run is told by health and history, and never ends the schedule.</summary>
[DisallowConcurrentExecution]
internal sealed partial class BackupSchedule(BackupManager manager, ScheduleState schedule, TimeProvider clock, ILogger<BackupManager> log) : IJob
{
    public static readonly JobKey Key = new("backup");

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        if (!manager.IsReady)
        {
            // Asked again when the trigger is looked at next: a start-up restore takes longer than that.
            return;
        }

        if (schedule.NextAt is not { } due || due > clock.GetUtcNow())
        {
            // The schedule was changed, or loaded, just before: the trigger stood at an earlier time.
            schedule.Wake();
            return;
        }

        schedule.Ran();
        try
        {
            await manager.StartBackup(new CreateRequest { Trigger = Model.Trigger.Schedule }).Completion;
        }
        catch (BackupException e) when (e.Fault == Fault.Cancelled)
        {
            LogLeftOut(log, e.Message);
        }
        catch (BackupException)
        {
            // Logged where it happened.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The scheduled backup was left out: {Reason}")]
    private static partial void LogLeftOut(ILogger logger, string reason);
}
