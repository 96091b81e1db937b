using BackupApi.Http.Answers;
using BackupApi.Http.Pipeline;
using BackupApi.Model;

namespace BackupApi.Http.OpenApi;

/// <summary>What the document says of a call beyond its signature.</summary>
/// <param name="Example">An answer of status 200, written as the call itself would.</param>
/// <param name="BodyType">The body, which is bound by hand and so invisible to the framework; null for none.</param>
/// <param name="Faults">The faults it may answer with, beside <see cref="Fault.Internal"/>.</param>
internal sealed record CallDescription(object Example, Type? BodyType, object? BodyExample, IReadOnlyList<Fault> Faults);

internal static class CallDescriptionExtensions
{
    /// <summary>What every call may answer with: who may call is asked before any of them, health included (a foreign name).</summary>
    public static readonly IReadOnlyList<Fault> Always = [Fault.Unauthorized, Fault.Forbidden, Fault.TooManyRequests, Fault.Internal];

    /// <summary>Names, explains and exemplifies a call, and lists its failures.</summary>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder call, string name, string summary, string description, object example, params Fault[] faults) =>
        call.Describe(name, summary, description, new CallDescription(example, null, null, faults));

    public static RouteHandlerBuilder DescribeWithBody<TBody>(this RouteHandlerBuilder call, string name, string summary, string description, TBody body, object example, params Fault[] faults)
        where TBody : class =>
        call.Describe(name, summary, description, new CallDescription(example, typeof(TBody), body, faults));

    private static RouteHandlerBuilder Describe(this RouteHandlerBuilder call, string name, string summary, string text, CallDescription description)
    {
        call.WithName(name).WithSummary(summary).WithDescription(text).WithMetadata(description);
        foreach (var status in description.Faults.Concat(Always).Select(Problems.StatusOf).Distinct())
        {
            call.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(Problem), [Problem.ContentType]));
        }

        return call;
    }
}
