using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace BackupApi.Http;

/// <summary><c>/api/backup</c>: take, list, prove and remove backups.</summary>
internal static class BackupEndpoints
{
    /// <summary>A backup's name in a route; the literal calls are none, so that GET of <c>create</c> is a wrong method and not an unknown backup.</summary>
    public const string NameRoute = "/{name:regex(^(?!create$|restore$|undo-restore$))}";

    public static void MapBackups(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/backup").WithTags("Backups").WithMetadata(new NeedsReady()).AddEndpointFilter<RouteGroupBuilder, FreshCatalog>();

        group.MapPost("/create", Create).Needs(Role.Operate).DescribeWithBody(
            "createBackup", "Take a backup now",
            "Answers when the backup is written, read back and proven. The work goes on when the caller hangs up.", Examples.CreateBody, Examples.Created,
            Fault.InvalidRequest, Fault.TooLarge, Fault.Busy, Fault.NoRoom, Fault.NotReady, Fault.Cancelled, Fault.StorageMissing, Fault.PermissionDenied, Fault.DiskError, Fault.HookFailed);
        group.MapGet("/list", List).Needs(Role.Read).Describe(
            "listBackups", "All backups, newest first", "Order is the sequence number of the backups, not their clocks.", Examples.List, Fault.NotReady);
        group.MapGet("/export-metadata", Export).Needs(Role.Read).Describe(
            "exportMetadata", "Facts of all backups, to be kept elsewhere", "Totals, and every backup with its checksum.", Examples.Export, Fault.NotReady);
        group.MapGet(NameRoute, Detail).Needs(Role.Read).Describe(
            "getBackup", "Facts and manifest of one backup", "The manifest is read from the archive; it is null for an archive that was not made here.", Examples.Detail,
            Fault.InvalidRequest, Fault.NotFound, Fault.ArchiveDamaged, Fault.NotReady);
        group.MapPost("/{name}/verify", Verify).Needs(Role.Operate).Describe(
            "verifyBackup", "Read a backup whole", "Every byte is read and must agree with every checksum. Damage is answered by 422 with every place in errors.", Examples.Verified,
            Fault.InvalidRequest, Fault.NotFound, Fault.Busy, Fault.ArchiveDamaged, Fault.ArchiveHostile, Fault.ArchiveLocked, Fault.PermissionDenied, Fault.DiskError, Fault.NotReady, Fault.Cancelled);
        group.MapPost("/{name}/drill", Drill).Needs(Role.Operate).Describe(
            "drillBackup", "Rehearse a restore", "Verifies, unpacks and checks a backup by the phases of a restore, in a scratch folder; storage is not touched. Says how long it took.", DrillAnswer.Example,
            Fault.InvalidRequest, Fault.NotFound, Fault.Busy, Fault.NoRoom, Fault.ArchiveDamaged, Fault.VerificationFailed, Fault.StorageMissing, Fault.PermissionDenied, Fault.DiskError, Fault.NotReady, Fault.Cancelled);
        group.MapDelete(NameRoute, Delete).Needs(Role.Admin).Describe(
            "deleteBackup", "Remove a backup", "A pinned backup, or the only proven one, is removed only with force.", Examples.Deleted,
            Fault.InvalidRequest, Fault.NotFound, Fault.Busy, Fault.Protected, Fault.NotReady, Fault.Cancelled);
    }

    private static Task<Results<Ok<CreateAnswer>, Accepted<AcceptedAnswer>>> Create(
        JsonBody<CreateBody> body, string? wait, [FromHeader(Name = "Idempotency-Key")] string? key, BackupManager manager, HttpContext context)
    {
        var request = new CreateRequest
        {
            Label = RequestChecks.Label(body.Value.Label),
            Metadata = RequestChecks.Metadata(body.Value.Metadata),
            IdempotencyKey = RequestChecks.IdempotencyKey(key),
        };
        return OperationAnswer.OfAsync(() => manager.StartBackup(request), wait, context, CreateAnswer.Of);
    }

    private static Ok<ListAnswer> List(BackupManager manager) => TypedResults.Ok(ListAnswer.Of(manager.PlanRetention()));

    private static Ok<ExportAnswer> Export(BackupManager manager) => TypedResults.Ok(new ExportAnswer(BackupsMetadata.Of(manager.List())));

    private static async Task<Ok<DetailAnswer>> Detail(string name, BackupManager manager, CancellationToken ct)
    {
        var backup = manager.Get(RequestChecks.BackupName(name));
        var manifest = await manager.ReadManifestAsync(backup.Name, ct);
        return TypedResults.Ok(new DetailAnswer(BackupFacts.Of(backup), backup.Sources, manifest));
    }

    private static Task<Results<Ok<VerifyAnswer>, Accepted<AcceptedAnswer>>> Verify(string name, string? wait, BackupManager manager, HttpContext context) =>
        OperationAnswer.OfAsync(() => manager.StartVerify(RequestChecks.BackupName(name)), wait, context, Proof);

    private static Task<Results<Ok<DrillAnswer>, Accepted<AcceptedAnswer>>> Drill(string name, string? wait, BackupManager manager, HttpContext context) =>
        OperationAnswer.OfAsync(() => manager.StartDrill(RequestChecks.BackupName(name)), wait, context, (result, id) => new DrillAnswer(result.Backup, result.DurationMs, result.At, id));

    private static Task<Results<Ok<DeleteAnswer>, Accepted<AcceptedAnswer>>> Delete(string name, string? force, string? wait, BackupManager manager, HttpContext context)
    {
        var forced = RequestChecks.Flag("force", force, byDefault: false);
        return OperationAnswer.OfAsync(
            () => manager.StartDelete(RequestChecks.BackupName(name), forced), wait, context, (removed, id) => new DeleteAnswer(removed.Name, removed.SizeBytes, id));
    }

    private static VerifyAnswer Proof(VerifyResult result, string operationId) => result.IsWhole
        ? VerifyAnswer.Of(result, operationId)
        : throw new VerificationAnswerException(
            new BackupException(
                Fault.ArchiveDamaged,
                $"{result.Backup.Name} is damaged: {(result.Errors.Count > 0 ? $"{result.Errors[0].Where}: {result.Errors[0].Message}" : "it does not agree with itself.")}",
                "Restore another backup; take a new one now.")
            { OperationId = operationId },
            result.Errors);
}
