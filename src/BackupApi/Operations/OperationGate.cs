using System.Diagnostics;
using BackupApi.Model;
using BackupApi.Operations.Metrics;

namespace BackupApi.Operations;

/// <summary>Lets one operation at a time over the storage, and keeps the record of each.</summary>
internal sealed partial class OperationGate(OperationLedger ledger, ILogger<BackupManager> log) : IDisposable
{
    private readonly Lock gate = new();
    private readonly Queue<Running> waiting = new();
    private readonly CancellationTokenSource stopping = new();
    private Running? current;

    /// <summary>The operation that holds the gate now; null when none does.</summary>
    public string? CurrentId
    {
        get
        {
            lock (gate)
            {
                return current?.Id;
            }
        }
    }

    /// <summary>Accepts an operation and starts it, or lets it wait.</summary>
    /// <param name="waits">Waits for its turn instead of being refused, and makes a running operation that gives way do so.</param>
    /// <param name="givesWay">May be cancelled in favour of one that waits.</param>
    /// <exception cref="BackupException"><see cref="Fault.Busy"/> with the running operation's id; <see cref="Fault.Cancelled"/> when the service is stopping.</exception>
    public OperationTicket<T> Start<T>(OperationKind kind, Trigger trigger, bool waits, bool givesWay, Func<OperationContext, Task<T>> work)
    {
        lock (gate)
        {
            if (stopping.IsCancellationRequested)
            {
                throw new BackupException(Fault.Cancelled, "The service is stopping.", "Ask again when it runs.");
            }

            if (current is not null && !waits)
            {
                throw new BackupException(
                    Fault.Busy,
                    $"Another operation is running: {current.Id}.",
                    $"Wait for it (GET /api/operations/{current.Id} shows how far it is), then ask again.")
                { OperationId = current.Id };
            }

            var context = ledger.Open(kind, trigger, current is null, CancellationTokenSource.CreateLinkedTokenSource(stopping.Token));
            var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = completion.Task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            var cause = OperationTrace.Cause;
            var running = new Running(context.Id, givesWay, context, () => RunAsync(context, work, completion, cause));
            if (current is null)
            {
                Begin(running);
            }
            else
            {
                waiting.Enqueue(running);
                if (current.GivesWay)
                {
                    current.Context.Cancel("gave way to a scheduled backup");
                }
            }

            return new OperationTicket<T>(context.Id, completion.Task);
        }
    }

    /// <summary>Waits until nothing runs, at most as long as <paramref name="patience"/>.</summary>
    public Task DrainAsync(TimeSpan patience, TimeProvider clock)
    {
        lock (gate)
        {
            return current is null ? Task.CompletedTask : Task.WhenAny(current.Ended.Task, Task.Delay(patience, clock));
        }
    }

    /// <summary>Refuses new operations, gives the running one <paramref name="patience"/> to end, then cancels it and waits until it did.</summary>
    public async Task StopAsync(TimeSpan patience, TimeProvider clock)
    {
        Task ended;
        lock (gate)
        {
            ended = current?.Ended.Task ?? Task.CompletedTask;
            foreach (var waiter in waiting)
            {
                waiter.Context.Cancel("the service is stopping");
            }
        }

        await Task.WhenAny(ended, Task.Delay(patience, clock));
        await stopping.CancelAsync();
        await ended;
    }

    public void Dispose() => stopping.Dispose();

    private void Begin(Running running)
    {
        current = running;
        _ = Task.Run(running.Run);
    }

    private async Task RunAsync<T>(OperationContext context, Func<OperationContext, Task<T>> work, TaskCompletionSource<T> completion, ActivityContext cause)
    {
        using var trace = OperationTrace.Begin(context, cause);
        using var scope = log.BeginScope(new Dictionary<string, object>(StringComparer.Ordinal) { ["OperationId"] = context.Id });
        ledger.Begin(context);
        LogStarted(log, context.Id, context.Kind, context.Trigger);
        try
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var result = await work(context);
            Finish(context, trace, context.Outcome, null);
            completion.TrySetResult(result);
        }
        catch (Exception e)
        {
            var failure = AsFailure(e, context);
            Finish(context, trace, Outcome.Failed, failure);
            completion.TrySetException(failure);
        }

        GiveMemoryBack.Start();
    }

    private BackupException AsFailure(Exception e, OperationContext context)
    {
        switch (e)
        {
            case BackupException failure:
                return failure;
            case OperationCanceledException:
                return new BackupException(Fault.Cancelled, $"The operation was cancelled: {context.CancelReason ?? "the service is stopping"}.", "Ask again later; nothing was changed.", e);
            case IOException failure:
                return Files.Errno.ToFault(failure);
            case UnauthorizedAccessException:
                return new BackupException(Fault.PermissionDenied, e.Message, "Give this service the right to read and write there, or run it as the owner of the files.", e);
            default:
                LogBug(log, e, context.Id);
                return new BackupException(Fault.Internal, "An error inside this service ended the operation.", "Report it with the log of this operation; nothing was published.", e);
        }
    }

    private void Finish(OperationContext context, OperationTrace trace, Outcome outcome, BackupException? failure)
    {
        var record = ledger.End(context, outcome, failure);
        trace.End(record);
        var seconds = (record.EndedAt - record.StartedAt)?.TotalSeconds ?? 0;
        if (failure is null)
        {
            LogEnded(log, context.Id, context.Kind, outcome, record.BackupName, context.Summary, seconds);
        }
        else
        {
            LogFailed(log, context.Id, context.Kind, failure.Fault, failure.Message, failure.Hint, seconds);
        }

        lock (gate)
        {
            current!.Ended.TrySetResult();
            current = null;
            if (waiting.TryDequeue(out var next))
            {
                Begin(next);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Operation} {Kind} started ({Trigger})")]
    private static partial void LogStarted(ILogger logger, string operation, OperationKind kind, Trigger trigger);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Operation} {Kind} ended {Outcome}: {Backup} {Summary} in {Seconds:F2} s")]
    private static partial void LogEnded(ILogger logger, string operation, OperationKind kind, Outcome outcome, string? backup, string summary, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Operation} {Kind} failed ({Fault}): {Reason} {Hint} after {Seconds:F2} s")]
    private static partial void LogFailed(ILogger logger, string operation, OperationKind kind, Fault fault, string reason, string hint, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Operation} ended by a bug")]
    private static partial void LogBug(ILogger logger, Exception bug, string operation);

    private sealed record Running(string Id, bool GivesWay, OperationContext Context, Func<Task> Run)
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
