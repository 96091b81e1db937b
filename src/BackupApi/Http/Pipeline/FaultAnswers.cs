using BackupApi.Http.Answers;
using BackupApi.Model;

namespace BackupApi.Http.Pipeline;

/// <summary>Turns whatever goes wrong into one problem answer: an expected failure by its fault, a bare status of the framework, a bug as 500 without detail.</summary>
/// <remarks>A bug is logged here, once, with its stack trace. An expected failure is not: its operation logged it, or the request log says it in one line.</remarks>
internal sealed partial class FaultAnswers(RequestDelegate next, ILogger<FaultAnswers> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            await AnswerAsync(e, context);
            return;
        }

        if (IsBareFailure(context.Response))
        {
            context.Response.ContentLength = null;
            context.Response.Headers.Remove("Content-Disposition");
            await Problems.WriteAsync(ProblemOf(context.Response.StatusCode, context), context);
        }
    }

    private async Task AnswerAsync(Exception e, HttpContext context)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer; 499 is what logs of web servers call it.
            context.Response.StatusCode = context.Response.HasStarted ? context.Response.StatusCode : StatusCodes.Status499ClientClosedRequest;
            return;
        }

        var problem = ProblemOf(e, context);
        if (problem.Fault == Fault.Internal && e is not BackupException)
        {
            MetBug(log, e, context.Request.Method, context.Request.Path.Value, context.TraceIdentifier);
        }

        if (context.Response.HasStarted)
        {
            // The answer is under way, so its end must be missed: a cut connection is the only sign left.
            RequestLog.Note(context, problem);
            context.Abort();
            return;
        }

        context.Response.Clear();
        RequestLog.Note(context, problem);
        await Problems.WriteAsync(problem, context);
    }

    private static Problem ProblemOf(Exception e, HttpContext context) => e switch
    {
        BackupException expected => Problems.Of(expected, context),
        VerificationAnswerException damaged => Problems.Of(damaged.Expected, context) with { Errors = damaged.Errors },
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            Problems.Of(new BackupException(Fault.TooLarge, "The request is larger than allowed.", "Send less."), context),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } =>
            Problems.Of(StatusCodes.Status408RequestTimeout, Fault.InvalidRequest, "The body did not arrive in time.", "Send it faster; it is small.", context),
        BadHttpRequestException bad => Problems.Of(bad.StatusCode, Fault.InvalidRequest, bad.Message, "See /swagger for what this call takes.", context),
        OperationCanceledException => Problems.Of(new BackupException(Fault.Cancelled, "The work was given up before it ended.", "Ask again."), context),
        _ => Problems.Of(
            StatusCodes.Status500InternalServerError, Fault.Internal, "The service met a bug of its own.",
            $"The log tells more: look for {context.TraceIdentifier}.", context),
    };

    /// <summary>A status without a body; a refused range has the type of the file that was asked for.</summary>
    private static bool IsBareFailure(HttpResponse response) => !response.HasStarted && response.StatusCode switch
    {
        StatusCodes.Status499ClientClosedRequest => false,
        StatusCodes.Status412PreconditionFailed or StatusCodes.Status416RangeNotSatisfiable => true,
        >= 400 => response is { ContentType: null, ContentLength: null or 0 },
        _ => false,
    };

    private static Problem ProblemOf(int status, HttpContext context)
    {
        var call = $"{context.Request.Method} {context.Request.Path.Value}";
        return status switch
        {
            StatusCodes.Status404NotFound => Problems.Of(status, Fault.NotFound, $"There is no call {call}.", "GET /openapi/v1.json lists all calls, /swagger shows them.", context),
            StatusCodes.Status405MethodNotAllowed => Problems.Of(
                status, Fault.InvalidRequest, $"There is no call {call}.", $"This address takes {context.Response.Headers.Allow}.", context),
            StatusCodes.Status416RangeNotSatisfiable => Problems.Of(
                status, Fault.InvalidRequest, "The range lies outside the file.", "Ask for its size first, with HEAD.", context),
            StatusCodes.Status412PreconditionFailed => Problems.Of(
                status, Fault.InvalidRequest, "The file is not the one that If-Match names.", "Ask for its ETag again.", context),
            >= 500 => Problems.Of(status, Fault.Internal, "The service could not answer.", $"The log tells more: look for {context.TraceIdentifier}.", context),
            _ => Problems.Of(status, Fault.InvalidRequest, $"The call {call} is not as it should be.", "See /swagger for what this call takes.", context),
        };
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} met a bug of this service ({TraceId})")]
    private static partial void MetBug(ILogger log, Exception e, string method, string? path, string traceId);
}
