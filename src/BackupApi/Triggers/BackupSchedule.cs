using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Triggers;

/// <summary>Takes the scheduled backups. A failed run is told by health and history, and never ends the schedule.</summary>
/// <remarks>Sleeps in short steps and looks at the clock each time, so that a clock that is set, or a machine that was suspended, costs one run at most. Several runs missed are made up for by one.</remarks>
internal sealed partial class BackupSchedule(BackupManager manager, ScheduleState schedule, TimeProvider clock, ILogger<BackupManager> log) : BackgroundService
{
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                schedule.LookAtClock();
                var left = schedule.NextAt - clock.GetUtcNow() ?? LongestSleep;
                if (left > TimeSpan.Zero || !manager.IsReady)
                {
                    await SleepAsync(left > TimeSpan.Zero && left < LongestSleep ? left : LongestSleep, stoppingToken);
                    continue;
                }

                schedule.Ran();
                await RunAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task SleepAsync(TimeSpan time, CancellationToken stoppingToken)
    {
        using var awake = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(Task.Delay(time, clock, awake.Token), schedule.Changed);
        await awake.CancelAsync();
        stoppingToken.ThrowIfCancellationRequested();
    }

    private async Task RunAsync()
    {
        try
        {
            await manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;
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
