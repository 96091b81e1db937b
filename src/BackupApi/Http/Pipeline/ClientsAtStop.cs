using System.Collections.Concurrent;

namespace BackupApi.Http.Pipeline;

/// <summary>Lets no client hold up the exit: soon after the stop began, connections are cut whose requests do not wait for an operation.</summary>
/// <remarks>Such a client reads a download slowly, or never finishes its body. An operation ends by itself within the shutdown timeout, and its answer is small.</remarks>
internal sealed class ClientsAtStop : IMiddleware
{
    /// <summary>For answers that are nearly there.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<HttpContext, bool> waitingForOperation = new();

    public ClientsAtStop(IHostApplicationLifetime lifetime, TimeProvider time) =>
        lifetime.ApplicationStopping.Register(() => _ = CutAsync(time));

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        waitingForOperation[context] = false;
        try
        {
            await next(context);
        }
        finally
        {
            waitingForOperation.TryRemove(context, out _);
        }
    }

    /// <summary>From here on this request is not cut: it waits for work of ours.</summary>
    public void Spare(HttpContext context) => waitingForOperation.TryUpdate(context, true, false);

    private async Task CutAsync(TimeProvider time)
    {
        await Task.Delay(Grace, time);
        foreach (var (context, waits) in waitingForOperation)
        {
            if (!waits)
            {
                context.Abort();
            }
        }
    }
}
