using BackupApi.Operations;
using Quartz;

namespace BackupApi.Triggers;

/// <summary>Keeps Quartz's one trigger at the time that <see cref="ScheduleState.NextAt"/> says: after each run, after each change, and after a clock was set.</summary>
/// <remarks>A time that has passed fires at once, and once: several runs that were missed are made up for by one.</remarks>
internal sealed class ScheduleTrigger(ISchedulerFactory schedulers, ScheduleState schedule, TimeProvider clock) : BackgroundService
{
    /// <summary>How soon a clock that was set, or a machine that was suspended, is noticed.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(30);

    private static readonly TriggerKey Key = new("next");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var scheduler = await schedulers.GetScheduler(stoppingToken);
            while (true)
            {
                var changed = schedule.Changed;
                schedule.LookAtClock();
                await SetAsync(scheduler, schedule.NextAt, stoppingToken);
                using var awake = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                await Task.WhenAny(Task.Delay(LongestSleep, clock, awake.Token), changed);
                await awake.CancelAsync();
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private async Task SetAsync(IScheduler scheduler, DateTimeOffset? next, CancellationToken ct)
    {
        var current = await scheduler.GetTrigger(Key, ct);
        if (next is not { } at)
        {
            await scheduler.UnscheduleJob(Key, ct);
            return;
        }

        if (current is not null && current.StartTimeUtc == at && at > clock.GetUtcNow())
        {
            return;
        }

        var trigger = TriggerBuilder.Create()
            .WithIdentity(Key)
            .ForJob(BackupSchedule.Key)
            .StartAt(at)
            .Build();
        await scheduler.ScheduleTrigger(trigger, TriggerConflict.Replace, ct);
    }
}
