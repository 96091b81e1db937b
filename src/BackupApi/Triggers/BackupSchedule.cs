using BackupApi.Model;
using BackupApi.Operations;
using Quartz;

namespace BackupApi.Triggers;

/// <summary>The hourly backup. Quartz keeps the time; a failed run is told by health and history, and never ends the schedule.</summary>
[DisallowConcurrentExecution]
internal sealed partial class BackupSchedule(BackupManager manager, ScheduleState state, ILogger<BackupManager> log) : IJob
{
    public static readonly JobKey Key = new("backup");

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        state.NextAt = context.NextFireTimeUtc;
        try
        {
            await manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;
        }
        catch (BackupException e) when (e.Fault == Fault.NotReady)
        {
            LogTooEarly(log);
        }
        catch (BackupException)
        {
            // Logged where it happened.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The scheduled backup was left out: the start-up restore still runs")]
    private static partial void LogTooEarly(ILogger logger);
}
