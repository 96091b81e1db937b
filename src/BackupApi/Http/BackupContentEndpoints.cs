using System.Runtime.CompilerServices;
using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace BackupApi.Http;

/// <summary><c>/api/backup/{name}</c>: what is inside a backup, one file of it, and the archive itself.</summary>
internal static class BackupContentEndpoints
{
    private static readonly string[] Download = [HttpMethods.Get, HttpMethods.Head];

    public static void MapBackupContents(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/backup/{name}").WithTags("Contents").WithMetadata(new NeedsReady()).AddEndpointFilter<RouteGroupBuilder, FreshCatalog>();

        group.MapGet("/files", ListFiles).Needs(Role.Read).WithMetadata(new CountsAs(Crowd.Download)).Describe(
            "listFiles", "Entries of a backup", "In the order of the archive, written as they are read.", Examples.Files,
            Fault.InvalidRequest, Fault.NotFound, Fault.ArchiveDamaged, Fault.ArchiveHostile, Fault.ArchiveLocked, Fault.NotReady);
        group.MapGet("/files/{**path}", GetFile).Needs(Role.Read).WithMetadata(new CountsAs(Crowd.Download)).Describe(
            "getFile", "One file out of a backup", "Verified while it is sent: the connection is cut when its bytes are not those that were backed up. An archive without an index, made by tar, is read to its end before the answer begins.", Examples.Bytes,
            Fault.InvalidRequest, Fault.NotFound, Fault.ArchiveDamaged, Fault.ArchiveHostile, Fault.ArchiveLocked, Fault.NotReady)
            .Produces<byte[]>(StatusCodes.Status200OK, "application/octet-stream");
        group.MapMethods("/download", Download, DownloadArchive).Needs(Role.Read).WithMetadata(new CountsAs(Crowd.Download)).Describe(
            "downloadBackup", "The archive itself", "As it lies on the disk: an encrypted one stays encrypted. Ranges are served. ETag and X-Checksum-Sha256 carry the SHA-256 of the whole archive.", Examples.Bytes,
            Fault.InvalidRequest, Fault.NotFound, Fault.NotReady)
            .Produces<byte[]>(StatusCodes.Status200OK, "application/gzip")
            .Produces<byte[]>(StatusCodes.Status206PartialContent, "application/gzip");
    }

    private static async Task<Ok<FilesAnswer>> ListFiles(string name, BackupManager manager, HttpContext context)
    {
        var backup = manager.Get(RequestChecks.BackupName(name));
        var entries = manager.ListFilesAsync(backup.Name, context.RequestAborted).GetAsyncEnumerator(context.RequestAborted);
        context.Response.RegisterForDisposeAsync(entries);

        // The first one before the answer begins, so that a damaged archive can still be told as a problem.
        var hasFirst = await entries.MoveNextAsync();
        return TypedResults.Ok(new FilesAnswer(backup.Name, Facts(entries, hasFirst, context.RequestAborted)));
    }

    private static async IAsyncEnumerable<FileFacts> Facts(IAsyncEnumerator<ArchiveEntry> entries, bool hasCurrent, [EnumeratorCancellation] CancellationToken ct)
    {
        for (; hasCurrent; hasCurrent = await entries.MoveNextAsync())
        {
            ct.ThrowIfCancellationRequested();
            yield return FileFacts.Of(entries.Current);
        }
    }

    private static PushStreamHttpResult GetFile(string name, string path, BackupManager manager, HttpContext context)
    {
        var backup = manager.Get(RequestChecks.BackupName(name));
        var entry = ShownName.Parse(RequestChecks.EntryPath(path));
        return TypedResults.Stream(
            stream => manager.CopyFileAsync(backup.Name, entry, stream, context.RequestAborted),
            "application/octet-stream",
            fileDownloadName: path[(path.LastIndexOf('/') + 1)..]);
    }

    private static FileStreamHttpResult DownloadArchive(string name, BackupManager manager, HttpContext context)
    {
        var backup = manager.Get(RequestChecks.BackupName(name));
        if (backup.Sha256 is { } sha256)
        {
            context.Response.Headers["X-Checksum-Sha256"] = sha256;
            // RFC 9530: of the whole representation, also in the answer to a range.
            context.Response.Headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(Convert.FromHexString(sha256))}:";
        }

        var tag = backup.Sha256 is not null
            ? new EntityTagHeaderValue($"\"{backup.Sha256}\"")
            : new EntityTagHeaderValue($"\"{backup.CreatedAt.UtcTicks:x}-{backup.SizeBytes:x}\"", isWeak: true);
        return TypedResults.Stream(Open(backup), backup.IsEncrypted ? "application/octet-stream" : "application/gzip", backup.Name, backup.CreatedAt, tag, enableRangeProcessing: true);
    }

    /// <summary>Once open it can be read to its end, also when rotation removes it meanwhile.</summary>
    private static FileStream Open(Backup backup)
    {
        try
        {
            return new FileStream(backup.Path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous, BufferSize = 0 });
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BackupException(Fault.NotFound, $"The archive of {backup.Name} is gone.", "Take another one from GET /api/backup/list.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new BackupException(Fault.PermissionDenied, $"The archive of {backup.Name} may not be read.", "Let the user of this service read the backups folder.", e);
        }
    }
}
