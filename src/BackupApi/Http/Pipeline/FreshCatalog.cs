using BackupApi.Operations;

namespace BackupApi.Http.Pipeline;

/// <summary>Before a call that is about backups: what was copied into the backups folder by hand is known to it.</summary>
internal sealed class FreshCatalog(BackupManager manager) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        await manager.RefreshAsync(context.HttpContext.RequestAborted);
        return await next(context);
    }
}
