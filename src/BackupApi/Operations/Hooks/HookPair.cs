using BackupApi.Model;

namespace BackupApi.Operations.Hooks;

/// <summary>What a pair of hooks stands around.</summary>
/// <param name="AtStart">Before the application runs: nobody listening is then as it should be.</param>
internal sealed record HookSubject(string OperationId, OperationKind Kind, Trigger Trigger, string? BackupName, bool AtStart = false);

/// <summary>Calls the application before and after what concerns its storage. Where a "before" was tried, its "after" is called, whatever happened in between.</summary>
internal sealed partial class HookPair(ServiceSettings settings, CallHook call, HookMemory memory, TimeProvider clock, ILogger<BackupManager> log)
{
    /// <summary>Share of the shutdown time that an "after" may take while the service is stopping: it comes last.</summary>
    private const double StopShare = 0.08;

    private HookSettings Hooks => settings.Hooks;

    /// <summary>Does <paramref name="work"/> between the two hooks of a capture or a restore.</summary>
    /// <param name="warnings">Gets a line for each hook that failed.</param>
    /// <param name="endOf">How the work ended, and the backup it is about.</param>
    /// <exception cref="BackupException"><see cref="Fault.HookFailed"/>: the "before" failed, and that is set to stop the operation. The work was not begun.</exception>
    public async Task<T> RunAsync<T>(HookEvent before, HookSubject subject, List<Finding> warnings, Func<Task<T>> work, Func<T, (HookOutcome Outcome, string? BackupName)> endOf, CancellationToken ct)
    {
        var after = before == HookEvent.BeforeCapture ? HookEvent.AfterCapture : HookEvent.AfterRestore;
        if (Hooks.AddressOf(before) is null && Hooks.AddressOf(after) is null)
        {
            return await work();
        }

        var begun = new HookCall { Event = before, OperationId = subject.OperationId, Kind = subject.Kind, Trigger = subject.Trigger, BackupName = subject.BackupName, StartedAt = clock.GetUtcNow() };
        var end = begun with { Event = after, Outcome = HookOutcome.Failed, Fault = Fault.Internal };
        memory.Remember(begun);
        try
        {
            await BeforeAsync(begun, subject, warnings, ct);
            var result = await work();
            var (outcome, name) = endOf(result);
            end = end with { Outcome = outcome, Fault = null, BackupName = name };
            return result;
        }
        catch (Exception e)
        {
            end = end with
            {
                Fault = e switch { BackupException failure => failure.Fault, OperationCanceledException => Fault.Cancelled, IOException io => Files.Errno.ToFault(io).Fault, _ => Fault.Internal },
                Message = e is BackupException ? e.Message : null,
            };
            throw;
        }
        finally
        {
            await AfterAsync(end, ct.IsCancellationRequested ? settings.ShutdownTimeout * StopShare : Hooks.Timeout, warnings);
            memory.Forget();
        }
    }

    /// <summary>At a start, when storage is whole again: tells the application that what a kill cut short is over. Does nothing when there is nothing to make up for.</summary>
    /// <param name="begun">As <see cref="HookMemory.Find"/> gave it before anything else was begun.</param>
    public async Task MakeUpAsync(HookCall? begun)
    {
        if (begun is null)
        {
            return;
        }

        var after = begun.Event == HookEvent.BeforeCapture ? HookEvent.AfterCapture : HookEvent.AfterRestore;
        await AfterAsync(begun with { Event = after, Outcome = HookOutcome.Interrupted, Message = "The service ended in between, and has started again." }, Hooks.Timeout, []);
        memory.Forget();
    }

    private async Task BeforeAsync(HookCall begun, HookSubject subject, List<Finding> warnings, CancellationToken ct)
    {
        if (Hooks.AddressOf(begun.Event) is not { } address || await call.RunAsync(address, begun, Hooks.Timeout, ct) is not { } failure)
        {
            return;
        }

        if (subject.AtStart && failure.IsUnreachable)
        {
            // The application waits until this start is over: there is nobody to pause.
            LogNobody(log, begun.Event);
            return;
        }

        if (Hooks.StopsOnFailure)
        {
            throw new BackupException(
                Fault.HookFailed,
                $"The application did not agree: {NameOf(begun.Event)} failed, {failure.Reason}.",
                "Look at the application and ask again; Backup__Hooks__OnFailure=warn goes on without it.");
        }

        Warn(begun, failure, warnings);
    }

    private async Task AfterAsync(HookCall end, TimeSpan limit, List<Finding> warnings)
    {
        if (Hooks.AddressOf(end.Event) is { } address
            && await call.RunAsync(address, end with { EndedAt = clock.GetUtcNow() }, limit < Hooks.Timeout ? limit : Hooks.Timeout, CancellationToken.None) is { } failure)
        {
            Warn(end, failure, warnings);
        }
    }

    private void Warn(HookCall told, HookFailure failure, List<Finding> warnings)
    {
        LogFailed(log, told.Event, failure.Reason);
        warnings.Add(new Finding(NameOf(told.Event), $"The application was not told: {failure.Reason}."));
    }

    private static string NameOf(HookEvent at) => $"Backup__Hooks__{at}";

    [LoggerMessage(Level = LogLevel.Warning, Message = "The hook {Hook} failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, HookEvent hook, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The hook {Hook} reached nobody; at a start the application need not run")]
    private static partial void LogNobody(ILogger logger, HookEvent hook);
}
