using BackupApi.Http.Access;
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

        group.MapMethods("", Asked, Health).IsOpen().Describe(
            "getHealth", "How the backups stand", "200 when healthy or degraded, 503 when unhealthy, each reason with what to do about it. Where keys are set and none is sent, the status alone.", Examples.Health)
            .Produces<HealthAnswer>()
            .Produces<HealthAnswer>(StatusCodes.Status503ServiceUnavailable);
        group.MapMethods("/live", Asked, Live).IsOpen().Describe("getLive", "The process answers", "Touches no disk and waits for nothing.", Examples.Live);
        group.MapMethods("/ready", Asked, Ready).IsOpen().Describe(
            "getReady", "Whether the application may open its storage",
            "503 only while a start-up restore runs. A backup problem never keeps an application from starting.", Examples.Ready)
            .Produces<ReadyAnswer>()
            .Produces<ReadyAnswer>(StatusCodes.Status503ServiceUnavailable);
    }

    private static IResult Health(BackupManager manager, ServiceVersion version, HttpContext context)
    {
        var report = manager.Health();
        var status = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return Caller.IsKnown(context)
            ? TypedResults.Json(HealthAnswer.Of(report, version.Text), statusCode: status)
            : TypedResults.Json(new StatusAnswer(report.Status), statusCode: status);
    }

    private static Ok<LiveAnswer> Live(ServiceVersion version, HttpContext context) =>
        TypedResults.Ok(new LiveAnswer(Caller.IsKnown(context) ? version.Text : null));

    private static JsonHttpResult<ReadyAnswer> Ready(BackupManager manager, HttpContext context) => manager.IsReady
        ? TypedResults.Json(new ReadyAnswer(true, "The application may open its storage.", null), statusCode: StatusCodes.Status200OK)
        : TypedResults.Json(
            new ReadyAnswer(false, "The service is still starting; a restore may be under way.", Caller.IsKnown(context) ? ReadyGate.Running(manager) : null),
            statusCode: StatusCodes.Status503ServiceUnavailable);
}
