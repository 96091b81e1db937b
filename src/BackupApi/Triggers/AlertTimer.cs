using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Alerts;

namespace BackupApi.Triggers;

/// <summary>Tells people who do not look: what health says, what took far too long, and to the dead man's switch that backups go on.</summary>
internal sealed class AlertTimer(BackupManager manager, AlertDesk desk, PingDesk ping, OperationLedger ledger, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(15);

    /// <summary>How many operations before are what is usual.</summary>
    private const int Remembered = 20;

    /// <summary>How far back they are looked for, among those that only confirmed a backup.</summary>
    private const int MostLookedAt = 200;

    /// <summary>Listens before the first operation begins, so it is started before what begins one.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        ledger.WhenEnded(Ended);
        ledger.WhenBegun(Begun);
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Task.WhenAll(desk.DeliverAsync(stoppingToken), ping.DeliverAsync(stoppingToken), LookAsync(stoppingToken));
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

    private void Begun(OperationRecord begun)
    {
        if (begun.Kind == OperationKind.Backup)
        {
            ping.Begun();
        }
    }

    private void Ended(OperationRecord ended)
    {
        if (ended is { Kind: OperationKind.Backup, Outcome: not Outcome.Skipped })
        {
            ping.Ended(ended.Outcome == Outcome.Ok);
        }

        var earlier = manager.History.List(new HistoryFilter { Kind = ended.Kind, Limit = MostLookedAt }).Entries.Select(e => e.Operation)
            .Where(o => o.Id != ended.Id && o is { Outcome: Outcome.Ok or Outcome.Partial, Confirmed: false, EndedAt: not null })
            .Take(Remembered).Select(o => o.EndedAt!.Value - o.StartedAt).ToList();
        if (AlertRules.Slow(ended, earlier) is { } slow)
        {
            desk.Tell(slow);
        }
    }
}
