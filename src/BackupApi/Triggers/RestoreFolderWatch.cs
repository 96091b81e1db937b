using BackupApi.Operations;
using BackupApi.Operations.Restore;

namespace BackupApi.Triggers;

/// <summary>Looks into the restore folder while the service runs, by polling: inotify does not cross every bind mount. What is found waits for the next start.</summary>
internal sealed partial class RestoreFolderWatch(
    BackupManager manager,
    InspectDrops inspectDrops,
    RestoreFolder restoreFolder,
    RestoreFolderState state,
    ServiceSettings settings,
    TimeProvider clock,
    ILogger<BackupManager> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.DropPollInterval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (manager.IsReady)
                {
                    await LookAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        try
        {
            var before = state.Waiting;
            state.Failed = restoreFolder.ListFailed();
            var found = await inspectDrops.RunAsync(ct);
            state.ToldAtStart = [.. state.ToldAtStart.Where(told => found.Any(drop => drop.Where == told.Where))];
            state.Waiting = [.. found.Select(drop => state.ToldAtStart.FirstOrDefault(told => told.Where == drop.Where) is { } told ? drop with { Message = $"{told.Message} {drop.Message}" } : drop)];
            foreach (var drop in state.Waiting.Except(before))
            {
                LogWaiting(log, drop.Where, drop.Message);
            }
        }
        catch (IOException e)
        {
            LogUnreadable(log, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "In the restore folder: {Archive}: {Message}")]
    private static partial void LogWaiting(ILogger logger, string archive, string message);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The restore folder cannot be looked into: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string reason);
}
