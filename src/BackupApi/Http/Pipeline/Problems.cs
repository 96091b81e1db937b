using System.Globalization;
using BackupApi.Http.Answers;
using BackupApi.Model;
using Microsoft.AspNetCore.WebUtilities;

namespace BackupApi.Http.Pipeline;

/// <summary>The one place where a fault meets a status, and where problem answers are written.</summary>
internal static class Problems
{
    public static int StatusOf(Fault fault) => fault switch
    {
        Fault.InvalidRequest => StatusCodes.Status400BadRequest,
        Fault.Unauthorized => StatusCodes.Status401Unauthorized,
        Fault.Forbidden => StatusCodes.Status403Forbidden,
        Fault.NotFound => StatusCodes.Status404NotFound,
        Fault.Busy or Fault.StorageInUse or Fault.Protected or Fault.ReadOnly => StatusCodes.Status409Conflict,
        Fault.TooLarge => StatusCodes.Status413PayloadTooLarge,
        Fault.TooManyRequests => StatusCodes.Status429TooManyRequests,
        Fault.ArchiveDamaged or Fault.ArchiveHostile or Fault.ArchiveIncompatible or Fault.ArchiveLocked => StatusCodes.Status422UnprocessableEntity,
        Fault.HookFailed => StatusCodes.Status424FailedDependency,
        // What is around the service does not let it: no bug of its own, and no mistake of the caller.
        Fault.NotReady or Fault.Cancelled or Fault.StorageMissing or Fault.PermissionDenied or Fault.DiskError or Fault.SourceBusy => StatusCodes.Status503ServiceUnavailable,
        Fault.NoRoom => StatusCodes.Status507InsufficientStorage,
        _ => StatusCodes.Status500InternalServerError,
    };

    public static Problem Of(BackupException e, HttpContext context) =>
        Of(StatusOf(e.Fault), e.Fault, e.Message, e.Hint, context) with { OperationId = e.OperationId };

    public static Problem Of(int status, Fault fault, string detail, string hint, HttpContext context) => new()
    {
        Title = ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } phrase ? phrase : status.ToString(CultureInfo.InvariantCulture),
        Status = status,
        Detail = detail,
        Instance = context.Request.Path.Value ?? "/",
        Fault = fault,
        Hint = hint,
    };

    /// <summary>Answers instead of the call, with the headers that were set so far.</summary>
    public static Task RefuseAsync(BackupException e, HttpContext context)
    {
        var problem = Of(e, context);
        RequestLog.Note(context, problem);
        return WriteAsync(problem, context);
    }

    /// <summary>Writes JSON whatever the caller said it accepts: a problem that a caller cannot read is better than one he cannot see.</summary>
    public static async Task WriteAsync(Problem problem, HttpContext context)
    {
        context.Response.StatusCode = problem.Status;
        context.Response.Headers.CacheControl = "no-store";
        if (problem.Fault == Fault.NotReady)
        {
            context.Response.Headers.RetryAfter = "2";
        }

        await context.Response.WriteAsJsonAsync(problem, JsonConventions.Options, Problem.ContentType, context.RequestAborted);
    }
}
