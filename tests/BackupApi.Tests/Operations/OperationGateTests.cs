using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BackupApi.Tests.Operations;

public sealed class OperationGateTests : IDisposable
{
    private readonly OperationLedger ledger = new(TimeProvider.System, NullLogger<BackupManager>.Instance);
    private readonly OperationGate gate;

    public OperationGateTests() => gate = new OperationGate(ledger, NullLogger<BackupManager>.Instance);

    public void Dispose()
    {
        gate.Dispose();
        ledger.Dispose();
    }

    [Fact]
    public async Task A_second_operation_is_refused_with_the_running_ones_id()
    {
        var release = new TaskCompletionSource();
        var first = Start(OperationKind.Backup, async _ => await release.Task);
        var refusal = Assert.Throws<BackupException>(() => Start(OperationKind.Restore, _ => Task.CompletedTask));
        Assert.Equal((Fault.Busy, first.Id), (refusal.Fault, refusal.OperationId));
        release.SetResult();
        await first.Completion;
        await Start(OperationKind.Restore, _ => Task.CompletedTask).Completion;
    }

    [Fact]
    public async Task A_listener_that_fails_neither_ends_the_operation_nor_keeps_the_others_from_being_told()
    {
        var told = new List<string>();
        ledger.WhenBegun(_ => throw new InvalidOperationException("broken"));
        ledger.WhenBegun(begun => told.Add($"begun {begun.State}"));
        ledger.WhenEnded(_ => throw new InvalidOperationException("broken"));
        ledger.WhenEnded(ended => told.Add($"ended {ended.Outcome}"));

        await Start(OperationKind.Backup, _ => Task.CompletedTask).Completion;
        await Start(OperationKind.Backup, _ => Task.CompletedTask).Completion;

        Assert.Equal(["begun Running", "ended Ok", "begun Running", "ended Ok"], told);
    }

    [Fact]
    public async Task A_scheduled_backup_waits_for_its_turn()
    {
        var release = new TaskCompletionSource();
        var order = new List<string>();
        var first = Start(OperationKind.Backup, async _ =>
        {
            await release.Task;
            order.Add("first");
        });
        var second = Start(OperationKind.Backup, _ =>
        {
            order.Add("second");
            return Task.CompletedTask;
        }, waits: true);
        Assert.Equal(OperationState.Waiting, ledger.Find(second.Id)!.State);
        release.SetResult();
        await second.Completion;
        Assert.True(first.Completion.IsCompletedSuccessfully);
        Assert.Equal(["first", "second"], order);
    }

    [Fact]
    public async Task A_scheduled_backup_makes_a_verification_give_way()
    {
        var verification = Start(OperationKind.Verify, context => Task.Delay(Timeout.Infinite, context.Cancellation), givesWay: true);
        await Start(OperationKind.Backup, _ => Task.CompletedTask, waits: true).Completion;
        var failure = await Assert.ThrowsAsync<BackupException>(() => verification.Completion);
        Assert.Equal(Fault.Cancelled, failure.Fault);
        Assert.Contains("scheduled backup", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bug_is_told_without_its_details_and_the_next_operation_runs()
    {
        var failure = await Assert.ThrowsAsync<BackupException>(() => Start(OperationKind.Backup, _ => throw new InvalidOperationException("secret detail")).Completion);
        Assert.Equal(Fault.Internal, failure.Fault);
        Assert.DoesNotContain("secret", failure.Message + failure.Hint, StringComparison.Ordinal);
        await Start(OperationKind.Backup, _ => Task.CompletedTask).Completion;
    }

    [Fact]
    public async Task Stopping_cancels_what_does_not_end_by_itself_and_refuses_the_rest()
    {
        var running = Start(OperationKind.Backup, context => Task.Delay(Timeout.Infinite, context.Cancellation));
        await gate.StopAsync(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        Assert.Equal(Fault.Cancelled, (await Assert.ThrowsAsync<BackupException>(() => running.Completion)).Fault);
        Assert.Equal(Fault.Cancelled, Assert.Throws<BackupException>(() => Start(OperationKind.Backup, _ => Task.CompletedTask)).Fault);
    }

    [Fact]
    public async Task A_watcher_sees_the_progress_and_the_end()
    {
        var release = new TaskCompletionSource();
        var running = Start(OperationKind.Backup, async context =>
        {
            context.Progress.Enter("write", 100, 2);
            context.Progress.AddBytes(50);
            await release.Task;
        });
        var seen = new List<OperationRecord>();
        await foreach (var record in ledger.WatchAsync(running.Id, CancellationToken.None))
        {
            seen.Add(record);
            if (record.Percent == 50)
            {
                release.TrySetResult();
            }
        }

        Assert.Contains(seen, r => r is { Phase: "write", BytesDone: 50, Percent: 50, State: OperationState.Running });
        Assert.Equal((OperationState.Ended, Outcome.Ok), (seen[^1].State, seen[^1].Outcome!.Value));
    }

    [Fact]
    public async Task Streams_end_when_the_service_stops()
    {
        _ = Start(OperationKind.Backup, context => Task.Delay(Timeout.Infinite, context.Cancellation));
        var watching = Task.Run(async () =>
        {
            await foreach (var _ in ledger.WatchAsync(null, CancellationToken.None))
            {
                ledger.Close();
            }
        });
        await watching.WaitAsync(TimeSpan.FromSeconds(10));
        await gate.StopAsync(TimeSpan.Zero, TimeProvider.System);
    }

    private OperationTicket<int> Start(OperationKind kind, Func<OperationContext, Task> work, bool waits = false, bool givesWay = false) =>
        gate.Start(kind, Trigger.Manual, waits, givesWay, async context =>
        {
            await work(context);
            return 0;
        });
}
