using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Triggers;

/// <summary>Looks after what was written long ago and what lives now: checks the live databases, reads older backups whole in rotation, and rehearses a restore.</summary>
/// <remarks>One thing a minute at most, only while nothing else runs, and each gives way to a scheduled backup. What was cut short is taken up again a minute later.</remarks>
internal sealed partial class IntegrityWatch(BackupManager manager, DecideIntegrity decide, TimeProvider clock, ILogger<BackupManager> log) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Step, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (manager.IsReady)
                {
                    await LookAsync();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task LookAsync()
    {
        try
        {
            switch (decide.Next())
            {
                case { Kind: OperationKind.VerifyDatabases }:
                    await manager.StartVerifyDatabases(null, Trigger.Schedule).Completion;
                    break;
                case { Kind: OperationKind.Verify, Backup: { } old }:
                    await manager.StartVerify(old.Name, Trigger.Schedule).Completion;
                    break;
                case { Kind: OperationKind.Drill, Backup: { } newest }:
                    await manager.StartDrill(newest.Name, Trigger.Schedule).Completion;
                    break;
            }
        }
        catch (BackupException e) when (e.Fault is Fault.Busy or Fault.Cancelled or Fault.NotReady)
        {
            LogLater(log, e.Message);
        }
        catch (BackupException)
        {
            // Logged where it happened, and told by health.
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The integrity watch waits: {Reason}")]
    private static partial void LogLater(ILogger logger, string reason);
}
