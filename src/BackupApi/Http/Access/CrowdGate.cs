using BackupApi.Http.Pipeline;
using BackupApi.Model;

namespace BackupApi.Http.Access;

/// <summary>What holds a connection for long, and so is limited in number.</summary>
internal enum Crowd
{
    /// <summary>Reads an archive while the client takes what is read.</summary>
    Download,

    /// <summary>Waits for changes until the client goes.</summary>
    EventStream,
}

/// <summary>Marks a call that counts as one of its kind until its answer has ended.</summary>
internal sealed record CountsAs(Crowd Crowd);

/// <summary>Refuses a long answer when as many run as may: a slow reader holds one, and must not hold all there is.</summary>
internal sealed class CrowdGate(RequestDelegate next, AccessRules rules)
{
    private const int MostEventStreams = 32;

    /// <summary>Longest time a reader may take nothing at all.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Seconds.</summary>
    private const string RetryAfter = "5";

    private readonly int[] underWay = new int[Enum.GetValues<Crowd>().Length];

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<CountsAs>() is not { } counts)
        {
            await next(context);
            return;
        }

        var most = counts.Crowd == Crowd.Download ? rules.MaxDownloads : MostEventStreams;
        if (Interlocked.Increment(ref underWay[(int)counts.Crowd]) > most)
        {
            Interlocked.Decrement(ref underWay[(int)counts.Crowd]);
            context.Response.Headers.RetryAfter = RetryAfter;
            await Problems.RefuseAsync(
                new BackupException(Fault.TooManyRequests, "Too many such answers are under way already.", "Wait until one has ended."), context);
            return;
        }

        var body = context.Response.Body;
        context.Response.Body = new PatientBody(body, Patience, context.Abort);
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = body;
            Interlocked.Decrement(ref underWay[(int)counts.Crowd]);
        }
    }
}
