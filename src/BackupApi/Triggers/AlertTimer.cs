using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Alerts;

namespace BackupApi.Triggers;

/// <summary>Tells people who do not look: what health says, what took far too long, and to the dead man's switch that backups go on.</summary>
internal sealed class AlertTimer(BackupManager manager, AlertDesk desk, SendAlert send, OperationLedger ledger, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(15);

    /// <summary>How many operations before are what is usual.</summary>
    private const int Remembered = 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ledger.WhenEnded(ended => Ended(ended, stoppingToken));
        ledger.WhenBegun(begun => Begun(begun, stoppingToken));
        try
        {
            await Task.WhenAll(desk.DeliverAsync(stoppingToken), LookAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Step, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (manager.IsReady)
            {
                desk.Look(manager.Health());
            }
        }
    }

    private void Begun(OperationRecord begun, CancellationToken ct)
    {
        if (begun.Kind == OperationKind.Backup)
        {
            _ = send.PingAsync("/start", ct);
        }
    }

    private void Ended(OperationRecord ended, CancellationToken ct)
    {
        if (ended is { Kind: OperationKind.Backup, Outcome: not Outcome.Skipped })
        {
            _ = send.PingAsync(ended.Outcome == Outcome.Ok ? "" : "/fail", ct);
        }

        var earlier = ledger.List().Where(o => o.Kind == ended.Kind && o.Id != ended.Id && o is { Outcome: Outcome.Ok or Outcome.Partial, Confirmed: false, EndedAt: not null }).Take(Remembered).Select(o => o.EndedAt!.Value - o.StartedAt).ToList();
        if (AlertRules.Slow(ended, earlier) is { } slow)
        {
            desk.Tell(slow);
        }
    }
}
