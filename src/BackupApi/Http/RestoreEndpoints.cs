using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/backup/restore</c> and the way back.</summary>
internal static class RestoreEndpoints
{
    public static void MapRestore(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/backup").WithTags("Restore").WithMetadata(new NeedsReady()).AddEndpointFilter<RouteGroupBuilder, FreshCatalog>();

        group.MapPost("/restore", Restore).Needs(Role.Admin).DescribeWithBody(
            "restoreBackup", "Restore a backup by name",
            "Verified first; a safety backup is taken of what is there now. When somebody has the storage open it is staged for the next start (applied is false), unless force swaps at once. With mode eventlog only the sources of that role come back, for an application that rebuilds its state from them. With ?to=FOLDER it goes into a new folder under storage instead of into place. With ?dryRun=true nothing is changed: preview says what would be replaced, added and removed. dryRun, force, mode and to may stand in the address or in the body.",
            Examples.RestoreBody, Examples.Restored,
            Fault.InvalidRequest, Fault.TooLarge, Fault.NotFound, Fault.Busy, Fault.StorageInUse, Fault.ReadOnly, Fault.HookFailed,
            Fault.ArchiveDamaged, Fault.ArchiveHostile, Fault.ArchiveIncompatible, Fault.ArchiveLocked, Fault.NoRoom, Fault.StorageMissing, Fault.PermissionDenied, Fault.DiskError, Fault.VerificationFailed, Fault.NotReady, Fault.Cancelled);
        group.MapPost("/undo-restore", Undo).Needs(Role.Admin).DescribeWithBody(
            "undoRestore", "Go back to the state before the last restore",
            "Restores the safety backup that the last restore took, by the same rules. 404 when no restore can be undone.",
            new UndoBody(), Examples.Restored,
            Fault.InvalidRequest, Fault.TooLarge, Fault.NotFound, Fault.Busy, Fault.StorageInUse, Fault.ReadOnly, Fault.HookFailed, Fault.ArchiveDamaged, Fault.NoRoom, Fault.StorageMissing, Fault.PermissionDenied, Fault.DiskError, Fault.VerificationFailed, Fault.NotReady, Fault.Cancelled);
    }

    private static async Task<Results<Ok<RestoreAnswer>, Accepted<AcceptedAnswer>>> Restore(
        JsonBody<RestoreBody> body, string? wait, string? dryRun, string? force, string? mode, string? to, BackupManager manager, ServiceSettings settings, HttpContext context)
    {
        var request = new RestoreRequest
        {
            BackupName = RequestChecks.BackupName(body.Value.BackupName),
            Force = RequestChecks.Flag("force", force, body.Value.Force),
            Paths = [.. RequestChecks.Paths(body.Value.Paths).Select(ShownName.Parse)],
            Mode = RequestChecks.Mode(RequestChecks.Either("mode", mode, body.Value.Mode)),
            To = RequestChecks.Either("to", to, body.Value.To) is { } folder ? ShownName.Parse(RequestChecks.NewFolder(folder)) : null,
        };
        if (RequestChecks.Flag("dryRun", dryRun, body.Value.DryRun))
        {
            return TypedResults.Ok(RestoreAnswer.Of(await manager.PreviewRestoreAsync(request, context.RequestAborted)));
        }

        return await OperationAnswer.OfAsync(
            () => manager.StartRestore(request), wait, context, (result, id) => RestoreAnswer.Of(result, request.To is null, settings.RestartCommand, id));
    }

    private static Task<Results<Ok<RestoreAnswer>, Accepted<AcceptedAnswer>>> Undo(
        JsonBody<UndoBody> body, string? wait, string? force, BackupManager manager, ServiceSettings settings, HttpContext context) =>
        OperationAnswer.OfAsync(
            () => manager.StartUndo(RequestChecks.Flag("force", force, body.Value.Force)), wait, context, (result, id) => RestoreAnswer.Of(result, intoPlace: true, settings.RestartCommand, id));
}
