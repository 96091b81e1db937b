using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/retention</c>: what rotation would do.</summary>
internal static class RetentionEndpoints
{
    public static void MapRetention(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/retention").WithTags("Retention").WithMetadata(new NeedsReady());

        group.MapGet("/plan", Plan).Describe(
            "planRetention", "What rotation would keep and remove", "With the reasons for each. Asking changes nothing.", Examples.Retention, Fault.NotReady);
    }

    private static Ok<RetentionAnswer> Plan(BackupManager manager) => TypedResults.Ok(RetentionAnswer.Of(manager.PlanRetention()));
}
