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
            Fault.InvalidRequest, Fault.NotFound, Fault.Busy, Fault.NoRoom, Fault.StorageMissing, Fault.PermissionDenied, Fault.DiskError, Fault.NotReady, Fault.Cancelled);
        group.MapPost("/salvage", Salvage).Needs(Role.Operate).DescribeWithBody(
            "salvageDatabase", "Bring out what can still be read of a damaged database",
            "Beside it, never in place: a new folder below backups/.backupapi/salvage/ that holds the result and report.json. SQLite: by REINDEX where only indexes are damaged, else by the sqlite3 shell's .recover where it is installed and can, else row by row. LiteDB and LevelDB: every document or key that still verifies, as JSON lines. A file or folder that is no longer recognised, and that no backup knows, is named with engine. Where a backup holds a proven copy, provenIn names it: bringing that back is usually better.",
            new SalvageBody { Name = "app.sqlite" }, Examples.Salvaged,
            Fault.InvalidRequest, Fault.TooLarge, Fault.NotFound, Fault.Busy, Fault.NoRoom, Fault.StorageMissing, Fault.PermissionDenied, Fault.DiskError, Fault.NotReady, Fault.Cancelled);
    }

    private static Task<Results<Ok<SalvagedAnswer>, Accepted<AcceptedAnswer>>> Salvage(JsonBody<SalvageBody> body, string? wait, BackupManager manager, HttpContext context)
    {
        var name = body.Value.Name is { Length: > 0 and <= 4096 } given
            ? given
            : throw new BackupException(Fault.InvalidRequest, "The body names no database.", "Send {\"name\":\"…\"} with a name from GET /api/databases.");
        return OperationAnswer.OfAsync(() => manager.StartSalvage(name, body.Value.Engine), wait, context, SalvagedAnswer.Of);
    }

    private static Ok<DatabasesAnswer> List(BackupManager manager) => TypedResults.Ok(new DatabasesAnswer(manager.ListDatabases()));

    private static Task<Results<Ok<DatabasesVerifiedAnswer>, Accepted<AcceptedAnswer>>> Verify(string? name, string? wait, BackupManager manager, HttpContext context) =>
        OperationAnswer.OfAsync(
            () => manager.StartVerifyDatabases(name), wait, context,
            (result, id) => new DatabasesVerifiedAnswer(result.AreWhole, result.Databases, (long)result.Duration.TotalMilliseconds, id));
}
