using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Triggers;

/// <summary>From start to stop: clears up and restores before the door opens, takes the backups of start and stop, lets the running operation end.</summary>
internal sealed partial class StartAndStop(
    BackupManager manager,
    StartUp startUp,
    DecideBackup decide,
    OperationGate gate,
    ServiceSettings settings,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<BackupManager> log) : BackgroundService
{
    /// <summary>Share of the shutdown time that a running operation gets to end by itself.</summary>
    private const double PatienceShare = 0.3;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = lifetime.ApplicationStopping.Register(manager.EndStreams);
        try
        {
            await startUp.PrepareAsync(stoppingToken);
            manager.OpenDoor();
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
        await gate.DrainAsync(settings.ShutdownTimeout * PatienceShare, clock);
        await TakeLastBackupAsync();
        await gate.StopAsync(settings.ShutdownTimeout * PatienceShare, clock);
    }

    private async Task TakeLastBackupAsync()
    {
        if (!manager.IsReady || !decide.AtStop())
        {
            return;
        }

        try
        {
            var ticket = manager.StartBackup(new CreateRequest { Trigger = Trigger.Stop });
            await Task.WhenAny(ticket.Completion, Task.Delay(settings.ShutdownTimeout * PatienceShare, clock));
        }
        catch (BackupException e)
        {
            LogNoLastBackup(log, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No backup at the stop: {Reason}")]
    private static partial void LogNoLastBackup(ILogger logger, string reason);
}
