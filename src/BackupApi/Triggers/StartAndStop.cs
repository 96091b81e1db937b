using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Alerts;

namespace BackupApi.Triggers;

/// <summary>From start to stop: clears up and restores before the door opens, takes the backups of start and stop, lets the running operation end.</summary>
internal sealed partial class StartAndStop(
    BackupManager manager,
    StartUp startUp,
    DecideBackup decide,
    AlertDesk alerts,
    OperationGate gate,
    OperationLedger ledger,
    ServiceSettings settings,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<BackupManager> log) : BackgroundService
{
    /// <summary>Shares of the shutdown time: for what runs to end by itself, for the last backup, and for what then still runs.</summary>
    private const double DrainShare = 0.3;
    private const double LastBackupShare = 0.5;
    private const double EndShare = 0.1;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = lifetime.ApplicationStopping.Register(manager.EndStreams);
        try
        {
            var began = clock.GetTimestamp();
            await startUp.PrepareAsync(stoppingToken);
            manager.OpenDoor();
            if (AlertRules.SlowStart(clock.GetElapsedTime(began), clock.GetUtcNow()) is { } slow)
            {
                alerts.Tell(slow);
            }

            if (decide.AtStart())
            {
                manager.StartBackup(new CreateRequest { Trigger = Trigger.Start });
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped while starting: nothing was begun.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await gate.DrainAsync(settings.ShutdownTimeout * DrainShare, clock);
        await TakeLastBackupAsync();
        await gate.StopAsync(settings.ShutdownTimeout * EndShare, clock);
    }

    private async Task TakeLastBackupAsync()
    {
        if (!manager.IsReady)
        {
            return;
        }

        var (take, skipped) = decide.AtStop();
        if (skipped is not null)
        {
            ledger.Skip(OperationKind.Backup, Trigger.Stop, $"No backup at the stop: {skipped}.");
            LogSkipped(log, skipped);
        }

        if (!take)
        {
            return;
        }

        try
        {
            var ticket = manager.StartBackup(new CreateRequest { Trigger = Trigger.Stop });
            await Task.WhenAny(ticket.Completion, Task.Delay(settings.ShutdownTimeout * LastBackupShare, clock));
        }
        catch (BackupException e)
        {
            LogNoLastBackup(log, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "No backup at the stop: {Reason}")]
    private static partial void LogSkipped(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No backup at the stop: {Reason}")]
    private static partial void LogNoLastBackup(ILogger logger, string reason);
}
