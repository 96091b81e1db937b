using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http.Features;

namespace BackupApi.Http.Pipeline;

/// <summary>Lets no client hold up the exit: soon after the stop began, connections are cut whose requests do not wait for an operation.</summary>
/// <remarks>Such a client reads a download slowly, or never finishes its body. An operation ends by itself within the shutdown timeout, and its answer is small.</remarks>
internal sealed class ClientsAtStop : IMiddleware
{
    /// <summary>For answers that are nearly there.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>For the rest of a body that the call did not want.</summary>
    private static readonly TimeSpan PatienceForRest = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<HttpContext, bool> waitingForOperation = new();
    private readonly TimeProvider time;

    public ClientsAtStop(IHostApplicationLifetime lifetime, TimeProvider time)
    {
        this.time = time;
        lifetime.ApplicationStopping.Register(() => _ = CutAsync());
    }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        waitingForOperation[context] = false;
        try
        {
            await next(context);
            await TakeInRestAsync(context);
        }
        finally
        {
            waitingForOperation.TryRemove(context, out _);
        }
    }

    /// <summary>From here on this request is not cut: it waits for work of ours.</summary>
    public void Spare(HttpContext context) => waitingForOperation.TryUpdate(context, true, false);

    /// <summary>The server itself would wait for a body that a refused call left unread, beyond the reach of <see cref="CutAsync"/>. The answer is sent first.</summary>
    private async Task TakeInRestAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true })
        {
            return;
        }

        using var late = new CancellationTokenSource(PatienceForRest, time);
        try
        {
            await context.Response.CompleteAsync();
            await context.Request.Body.CopyToAsync(Stream.Null, late.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Too slow, too large or gone: there is nothing more to say to it.
            context.Abort();
        }
    }

    private async Task CutAsync()
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
