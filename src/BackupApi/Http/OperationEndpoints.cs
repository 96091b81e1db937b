using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/operations</c>: what is and was being done, once or as it changes.</summary>
internal static class OperationEndpoints
{
    public static void MapOperations(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/operations").WithTags("Operations");

        group.MapGet("", List).Needs(Role.Read).Describe("listOperations", "Recent operations, newest first", "The running one is among them.", Examples.Operations);
        group.MapGet("/{id}", Get).Needs(Role.Read).Describe(
            "getOperation", "One operation", "Its progress in bytes, files and percent while it runs; its outcome afterwards.", Examples.Running, Fault.NotFound);
        group.MapGet("/events", WatchAll).Needs(Role.Read).WithMetadata(new CountsAs(Crowd.EventStream)).Describe(
            "watchOperations", "Changes of all operations, as they happen", "Server-sent events; each is one operation as it stands.", Examples.Events);
        group.MapGet("/{id}/events", Watch).Needs(Role.Read).WithMetadata(new CountsAs(Crowd.EventStream)).Describe(
            "watchOperation", "Changes of one operation, as they happen", "Server-sent events, beginning with how it stands; the last is named end.", Examples.Events, Fault.NotFound);
    }

    private static Ok<OperationsAnswer> List(BackupManager manager) => TypedResults.Ok(new OperationsAnswer(manager.Operations()));

    private static Ok<OperationRecord> Get(string id, BackupManager manager) => TypedResults.Ok(manager.GetOperation(id));

    private static EventStream WatchAll(BackupManager manager) => new(ct => manager.WatchAsync(null, ct));

    private static EventStream Watch(string id, BackupManager manager)
    {
        // Before the stream begins, so that an unknown one is a 404.
        var operation = manager.GetOperation(id);
        return new EventStream(ct => manager.WatchAsync(operation.Id, ct));
    }
}
