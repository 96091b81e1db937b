using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Upkeep;

namespace BackupApi.Triggers;

/// <summary>Looks after the databases that were put into our care, in their windows. Does nothing unless some were.</summary>
internal sealed partial class UpkeepWatch(BackupManager manager, DecideUpkeep decide, RunUpkeep upkeep, OperationLedger ledger, ServiceSettings settings, TimeProvider clock, ILogger<BackupManager> log) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (settings.Upkeep.Count == 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(Step, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (manager.IsReady && ledger.FindRunning() is null && decide.Next() is { } task)
                {
                    await LookAfterAsync(task);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task LookAfterAsync(UpkeepTask task)
    {
        try
        {
            if (upkeep.FindUser(task.Database) is { } user)
            {
                Refuse(task, user);
                return;
            }

            await upkeep.Start(task).Completion;
        }
        catch (BackupException e) when (e.Fault is Fault.StorageInUse)
        {
            Refuse(task, e.Message);
        }
        catch (BackupException e) when (e.Fault is Fault.Busy or Fault.Cancelled or Fault.NotReady)
        {
            LogLater(log, task.Database, e.Message);
        }
        catch (BackupException)
        {
            // Logged where it happened; its next time is the one after.
            decide.Settle(task);
        }
        catch (IOException e)
        {
            LogLater(log, task.Database, e.Message);
        }
    }

    private void Refuse(UpkeepTask task, string why)
    {
        if (decide.Refuse(task))
        {
            ledger.Skip(OperationKind.Upkeep, Trigger.Schedule, $"{task.Database} was left alone, and is looked at again until its window ends: {why}");
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The upkeep of {Database} waits: {Reason}")]
    private static partial void LogLater(ILogger logger, string database, string reason);
}
