using BackupApi.Http.Answers;
using BackupApi.Model;

namespace BackupApi.Http.Pipeline;

/// <summary>One line for each request, when it ended. What is asked every few seconds (health, the page and its parts) only at debug level.</summary>
internal sealed partial class RequestLog(RequestDelegate next, TimeProvider time, ILogger<RequestLog> log)
{
    private static readonly object ProblemKey = new();

    private static readonly string[] Quiet = ["/api/health", "/metrics", "/openapi", "/swagger"];

    /// <summary>Remembers why a request failed, for its line.</summary>
    public static void Note(HttpContext context, Problem problem) => context.Items[ProblemKey] = problem;

    public async Task InvokeAsync(HttpContext context)
    {
        var start = time.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            Write(context, time.GetElapsedTime(start));
        }
    }

    private void Write(HttpContext context, TimeSpan duration)
    {
        var request = context.Request;
        var status = context.Response.StatusCode;
        var level = status >= 500 ? LogLevel.Warning : IsQuiet(request.Path) ? LogLevel.Debug : LogLevel.Information;
        var ms = (long)duration.TotalMilliseconds;
        switch (context.Items.TryGetValue(ProblemKey, out var note) ? note as Problem : null)
        {
            case null:
                Answered(log, level, request.Method, request.Path.Value, status, ms);
                break;
            case { OperationId: { } operation } problem:
                // What became of an operation is told by the operation's own line.
                OperationFailed(log, level, request.Method, request.Path.Value, status, problem.Fault, operation, ms);
                break;
            case { } problem:
                Refused(log, level, request.Method, request.Path.Value, status, problem.Fault, ms, problem.Detail);
                break;
        }
    }

    private static bool IsQuiet(PathString path) =>
        path == "/" || Array.Exists(Quiet, quiet => path.StartsWithSegments(quiet, StringComparison.OrdinalIgnoreCase));

    [LoggerMessage(Message = "{Method} {Path} answered {Status} in {Ms} ms")]
    private static partial void Answered(ILogger log, LogLevel level, string method, string? path, int status, long ms);

    [LoggerMessage(Message = "{Method} {Path} answered {Status} {Fault} in {Ms} ms: {Detail}")]
    private static partial void Refused(ILogger log, LogLevel level, string method, string? path, int status, Fault fault, long ms, string detail);

    [LoggerMessage(Message = "{Method} {Path} answered {Status} {Fault} of operation {Operation} in {Ms} ms")]
    private static partial void OperationFailed(ILogger log, LogLevel level, string method, string? path, int status, Fault fault, string operation, long ms);
}
