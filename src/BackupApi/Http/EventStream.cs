using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using BackupApi.Model;
using Microsoft.AspNetCore.Http.Metadata;

namespace BackupApi.Http;

/// <summary>Operations as server-sent events (the HTML standard, 9.2): <c>operation</c> for each change, <c>end</c> when there will be no more, a comment in between so that a dead client is noticed.</summary>
/// <remarks>Ends at once when the service stops: an open stream would otherwise hold up the exit.</remarks>
internal sealed class EventStream(Func<CancellationToken, IAsyncEnumerable<OperationRecord>> watch) : IResult, IEndpointMetadataProvider
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), ["text/event-stream"]));

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var services = httpContext.RequestServices;
        var stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);
        httpContext.Response.ContentType = "text/event-stream";
        httpContext.Response.Headers.CacheControl = "no-store";
        // nginx would otherwise collect events before passing them on.
        httpContext.Response.Headers["X-Accel-Buffering"] = "no";

        var changes = watch(either.Token).GetAsyncEnumerator(either.Token);
        Task<bool>? next = null;
        try
        {
            await SendAsync(httpContext, "retry: 2000\n\n", either.Token);
            for (var number = 1; ; number++)
            {
                next = changes.MoveNextAsync().AsTask();
                await KeepAliveUntilAsync(next, httpContext, services.GetRequiredService<TimeProvider>(), either.Token);
                if (!await next)
                {
                    break;
                }

                var data = JsonSerializer.Serialize(changes.Current, JsonConventions.Options);
                await SendAsync(httpContext, string.Create(CultureInfo.InvariantCulture, $"id: {number}\nevent: operation\ndata: {data}\n\n"), either.Token);
            }

            await SendAsync(httpContext, "event: end\ndata: {}\n\n", either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The client went, or the service stops: both end the stream.
        }
        finally
        {
            await either.CancelAsync();
            await (next ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            await changes.DisposeAsync();
        }
    }

    private static async Task KeepAliveUntilAsync(Task<bool> next, HttpContext context, TimeProvider time, CancellationToken ct)
    {
        while (!next.IsCompleted && await Task.WhenAny(next, Task.Delay(Silence, time, ct)) != next)
        {
            await SendAsync(context, ": still here\n\n", ct);
        }
    }

    private static async Task SendAsync(HttpContext context, string text, CancellationToken ct)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), ct);
        await context.Response.Body.FlushAsync(ct);
    }
}
