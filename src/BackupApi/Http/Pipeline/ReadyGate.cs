using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Http.Pipeline;

/// <summary>Marks a call that must wait until a start-up restore has ended.</summary>
internal sealed record NeedsReady;

/// <summary>While a start-up restore runs, calls that look at or change backups answer 503 with its progress.</summary>
internal sealed class ReadyGate(RequestDelegate next, BackupManager manager)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (manager.IsReady || context.GetEndpoint()?.Metadata.GetMetadata<NeedsReady>() is null)
        {
            await next(context);
            return;
        }

        var running = Running(manager);
        var problem = Problems.Of(Problems.StatusOf(Fault.NotReady), Fault.NotReady, "The service is still starting.", "Ask again when GET /api/health/ready answers 200.", context);
        await Problems.WriteAsync(problem with { OperationId = running?.Id, Progress = running }, context);
    }

    public static OperationRecord? Running(BackupManager manager) =>
        manager.Operations().FirstOrDefault(operation => operation.State == OperationState.Running);
}
