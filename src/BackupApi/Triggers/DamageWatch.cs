using System.Threading.Channels;
using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Triggers;

/// <summary>When a check of the live databases finds one damaged that no backup holds as it is now, takes one more backup: whatever a repair does to it, that state is kept.</summary>
internal sealed partial class DamageWatch(BackupManager manager, OperationLedger ledger, ILogger<BackupManager> log) : BackgroundService
{
    private readonly Channel<string> found = Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ledger.WhenEnded(ended =>
        {
            if (ended is { Kind: OperationKind.VerifyDatabases, Outcome: Outcome.Partial })
            {
                found.Writer.TryWrite(ended.Id);
            }
        });
        try
        {
            await foreach (var _ in found.Reader.ReadAllAsync(stoppingToken))
            {
                await KeepAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task KeepAsync()
    {
        var newest = manager.List().FirstOrDefault(backup => backup is { IsOurs: true, Damage: null });
        var damaged = manager.ListDatabases().FirstOrDefault(database => database is { Errors.Count: > 0, LastCapturedAt: not null }
            && newest?.Sources.FirstOrDefault(source => source.Name == database.Name) is not { Errors.Count: > 0, CapturedAt: not null });
        if (damaged is null)
        {
            return;
        }

        try
        {
            LogKeeping(log, damaged.Name);
            await manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule, Label = "a database is damaged: kept as it is", ReadsAll = true }).Completion;
        }
        catch (BackupException)
        {
            // Logged where it happened, and told by health.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Database} is damaged; it is captured once more as it is")]
    private static partial void LogKeeping(ILogger logger, string database);
}
