using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/retention</c>: what rotation would do; <c>/api/backup/{name}/pin</c>: what it may not.</summary>
internal static class RetentionEndpoints
{
    public static void MapRetention(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/retention").WithTags("Retention").WithMetadata(new NeedsReady()).AddEndpointFilter<RouteGroupBuilder, FreshCatalog>();

        group.MapGet("/plan", Plan).Needs(Role.Read).Describe(
            "planRetention", "What rotation would keep and remove", "With the reasons for each. Asking changes nothing.", Examples.Retention, Fault.NotReady);

        var pins = routes.MapGroup("/api/backup/{name}/pin").WithTags("Retention").WithMetadata(new NeedsReady()).AddEndpointFilter<RouteGroupBuilder, FreshCatalog>();
        pins.MapPost("", Pin).Needs(Role.Operate).DescribeWithBody(
            "pinBackup", "Keep a backup whatever rotation says", "Holds until it is unpinned. A second pin replaces the note of the first.", Examples.PinBody, Examples.Pinned,
            Fault.InvalidRequest, Fault.TooLarge, Fault.NotFound, Fault.NotReady);
        pins.MapDelete("", Unpin).Needs(Role.Operate).Describe(
            "unpinBackup", "Leave a backup to rotation again", "A pin that the service set itself (the last good copy of a damaged database, an alarm) is let go only with force.", Examples.Pinned,
            Fault.InvalidRequest, Fault.NotFound, Fault.NotReady);
    }

    private static Ok<PinAnswer> Pin(string name, JsonBody<PinBody> body, BackupManager manager) =>
        TypedResults.Ok(Answer(manager.Pin(RequestChecks.BackupName(name), RequestChecks.Label(body.Value.Note))));

    private static Ok<PinAnswer> Unpin(string name, string? force, BackupManager manager) =>
        TypedResults.Ok(Answer(manager.Unpin(RequestChecks.BackupName(name), RequestChecks.Flag("force", force, byDefault: false))));

    private static PinAnswer Answer(Backup backup) => new(backup.Name, backup.Pins);

    private static Ok<RetentionAnswer> Plan(BackupManager manager) => TypedResults.Ok(RetentionAnswer.Of(manager.PlanRetention()));
}
