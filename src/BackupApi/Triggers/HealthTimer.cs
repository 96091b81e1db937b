using BackupApi.Operations;

namespace BackupApi.Triggers;

/// <summary>Looks at disks and ages every few seconds, so that health is answered from memory.</summary>
internal sealed class HealthTimer(BackupManager manager, WatchHealth health, TimeProvider clock) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (manager.IsReady)
                {
                    health.Refresh();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }
}
