using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/databases</c>: the databases in storage, as they were last seen and as they are now.</summary>
internal static class DatabaseEndpoints
{
    public static void MapDatabases(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/databases").WithTags("Databases").WithMetadata(new NeedsReady());

        group.MapGet("", List).Needs(Role.Read).Describe(
            "listDatabases", "The databases in storage", "Each with its last capture, how far it was verified, its counts, and what was found wrong.", Examples.Databases, Fault.NotReady);
        group.MapPost("/verify", Verify).Needs(Role.Operate).Describe(
            "verifyDatabases", "Check the live databases now",
            "Each is captured and the copy verified; nothing of the owner's is touched and nothing is archived. A damaged database is in the answer, not a failure of the call.", Examples.DatabasesVerified,
            Fault.InvalidRequest, Fault.NotFound, Fault.Busy, Fault.NoRoom, Fault.NotReady, Fault.Cancelled);
    }

    private static Ok<DatabasesAnswer> List(BackupManager manager) => TypedResults.Ok(new DatabasesAnswer(manager.ListDatabases()));

    private static Task<Results<Ok<DatabasesVerifiedAnswer>, Accepted<AcceptedAnswer>>> Verify(string? name, string? wait, BackupManager manager, HttpContext context) =>
        OperationAnswer.OfAsync(
            () => manager.StartVerifyDatabases(name), wait, context,
            (result, id) => new DatabasesVerifiedAnswer(result.AreWhole, result.Databases, (long)result.Duration.TotalMilliseconds, id));
}
