using System.Diagnostics;
using BackupApi.Model;

namespace BackupApi.Operations.Metrics;

/// <summary>One operation as a trace of its own: a span for the whole, and below it one for each phase. Costs nothing while nobody listens to the source <c>BackupApi</c>.</summary>
/// <remarks>An operation belongs to nobody, so the request that asked for it is a link of its span and not its parent (OpenTelemetry specification, "Links between spans").</remarks>
internal sealed class OperationTrace : IDisposable
{
    public const string SourceName = "BackupApi";

    private static readonly ActivitySource Source = new(SourceName);

    private readonly OperationContext context;
    private readonly Activity? whole;
    private readonly Lock gate = new();
    private Activity? phase;

    private OperationTrace(OperationContext context, Activity? whole)
    {
        (this.context, this.whole) = (context, whole);
        if (whole is not null)
        {
            context.Progress.Entered = Enter;
        }
    }

    /// <summary>Where the calling thread stands in a trace of somebody else's; default for nowhere.</summary>
    public static ActivityContext Cause => Activity.Current?.Context ?? default;

    /// <summary>Begins the span of an operation, on the thread that runs it.</summary>
    public static OperationTrace Begin(OperationContext context, ActivityContext cause)
    {
        // Else what happens to be current, the request or the operation before, became the parent.
        Activity.Current = null;
        var span = Source.StartActivity(
            Name(context.Kind),
            ActivityKind.Internal,
            parentContext: default,
            [Tag("backupapi.operation.id", context.Id), Tag("backupapi.operation.kind", Name(context.Kind)), Tag("backupapi.operation.trigger", Name(context.Trigger))],
            cause == default ? null : [new ActivityLink(cause)]);
        return new OperationTrace(context, span);
    }

    /// <summary>Ends the spans, with how the operation went.</summary>
    public void End(OperationRecord ended)
    {
        EndPhase();
        if (whole is null)
        {
            return;
        }

        context.Progress.Entered = null;
        whole.SetTag("backupapi.operation.outcome", ended.Outcome is { } outcome ? Name(outcome) : null);
        whole.SetTag("backupapi.backup.name", ended.BackupName);
        if (ended.Kind == OperationKind.Backup)
        {
            whole.SetTag("backupapi.backup.read", ended.BytesRead);
            whole.SetTag("backupapi.backup.compressed", ended.BytesCompressed);
            whole.SetTag("backupapi.backup.carried_over", ended.BytesCarriedOver);
        }

        if (ended.Fault is { } fault)
        {
            whole.SetTag("error.type", Name(fault));
            whole.SetStatus(ActivityStatusCode.Error, ended.Message);
        }

        whole.Dispose();
    }

    public void Dispose()
    {
        EndPhase();
        whole?.Dispose();
    }

    private void Enter(string name)
    {
        EndPhase();
        lock (gate)
        {
            phase = Source.StartActivity(name, ActivityKind.Internal, whole!.Context);
        }
    }

    private void EndPhase()
    {
        lock (gate)
        {
            if (phase is null)
            {
                return;
            }

            phase.SetTag("backupapi.phase.bytes", context.Progress.BytesDone);
            phase.SetTag("backupapi.phase.files", context.Progress.FilesDone);
            phase.Dispose();
            phase = null;
        }
    }

    private static KeyValuePair<string, object?> Tag(string key, object? value) => new(key, value);

    private static string Name(Enum value) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
