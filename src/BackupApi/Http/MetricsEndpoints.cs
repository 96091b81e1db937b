using BackupApi.Http.Access;
using BackupApi.Http.OpenApi;
using BackupApi.Operations.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/metrics</c>, for Prometheus.</summary>
internal static class MetricsEndpoints
{
    public static void MapMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", Metrics).Needs(Role.Read).WithTags("Health").Describe(
            "getMetrics", "Figures for Prometheus", "Its text format 0.0.4. From memory; touches no disk.", "# HELP backupapi_backups Backups there are.\n# TYPE backupapi_backups gauge\nbackupapi_backups 10\n")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");

    private static ContentHttpResult Metrics(PrometheusText text) => TypedResults.Text(text.Write(), PrometheusText.ContentType);
}
