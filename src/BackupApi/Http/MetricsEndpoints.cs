using BackupApi.Http.Access;
using BackupApi.Http.OpenApi;
using BackupApi.Operations.Metrics;

namespace BackupApi.Http;

/// <summary><c>/metrics</c>, for Prometheus.</summary>
internal static class MetricsEndpoints
{
    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        // It counts from now on, not from the first question on.
        var text = routes.ServiceProvider.GetRequiredService<PrometheusText>();
        routes.MapGet("/metrics", () => TypedResults.Text(text.Write(), PrometheusText.ContentType)).Needs(Role.Read).WithTags("Health").Describe(
            "getMetrics", "Figures for Prometheus", "Its text format 0.0.4. From memory; touches no disk.", "# HELP backupapi_backups Backups there are.\n# TYPE backupapi_backups gauge\nbackupapi_backups 10\n")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");
    }
}
