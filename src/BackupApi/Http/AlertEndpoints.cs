using BackupApi.Http.Access;
using BackupApi.Http.OpenApi;
using BackupApi.Model;
using BackupApi.Operations.Alerts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/alerts</c>: whether those who do not look would be told.</summary>
internal static class AlertEndpoints
{
    public static void MapAlerts(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/api/alerts/test", TestAsync).Needs(Role.Operate).WithTags("Alarms").Describe(
            "testAlerts", "Send a test to every alert channel", "Says how each took it; error is null where it went well.", new AlertTestAnswer([new AlertTestFacts("0-slack", null)]), Fault.InvalidRequest);

    private static async Task<Ok<AlertTestAnswer>> TestAsync(AlertDesk desk, CancellationToken ct) =>
        TypedResults.Ok(new AlertTestAnswer([.. (await desk.TestAsync(ct)).Select(channel => new AlertTestFacts(channel.Key, channel.Value))]));
}

internal sealed record AlertTestFacts(string Channel, string? Error);

internal sealed record AlertTestAnswer(IReadOnlyList<AlertTestFacts> Channels)
{
    public bool Success => Channels.All(channel => channel.Error is null);
}
