using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/health</c>: for monitoring, for the container runtime, and for the application that waits.</summary>
internal static class HealthEndpoints
{
    // Some monitors ask by HEAD.
    private static readonly string[] Asked = [HttpMethods.Get, HttpMethods.Head];

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/health").WithTags("Health");

        group.MapMethods("", Asked, Health).Describe(
            "getHealth", "How the backups stand", "200 when healthy or degraded, 503 when unhealthy, each reason with what to do about it.", Examples.Health)
            .Produces<HealthAnswer>()
            .Produces<HealthAnswer>(StatusCodes.Status503ServiceUnavailable);
        group.MapMethods("/live", Asked, Live).Describe("getLive", "The process answers", "Touches no disk and waits for nothing.", Examples.Live);
        group.MapMethods("/ready", Asked, Ready).Describe(
            "getReady", "Whether the application may open its storage",
            "503 only while a start-up restore runs. A backup problem never keeps an application from starting.", Examples.Ready)
            .Produces<ReadyAnswer>()
            .Produces<ReadyAnswer>(StatusCodes.Status503ServiceUnavailable);
    }

    private static JsonHttpResult<HealthAnswer> Health(BackupManager manager, ServiceVersion version)
    {
        var report = manager.Health();
        return TypedResults.Json(
            HealthAnswer.Of(report, version.Text),
            statusCode: report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }

    private static Ok<LiveAnswer> Live(ServiceVersion version) => TypedResults.Ok(new LiveAnswer(version.Text));

    private static JsonHttpResult<ReadyAnswer> Ready(BackupManager manager) => manager.IsReady
        ? TypedResults.Json(new ReadyAnswer(true, "The application may open its storage.", null), statusCode: StatusCodes.Status200OK)
        : TypedResults.Json(
            new ReadyAnswer(false, "The service is still starting; a restore may be under way.", ReadyGate.Running(manager)), statusCode: StatusCodes.Status503ServiceUnavailable);
}
