using BackupApi.Http.Answers;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http.Pipeline;

/// <summary>How a call that starts an operation is answered: with its result, or at once with where to ask for it (<c>?wait=false</c>).</summary>
internal static class OperationAnswer
{
    /// <summary>The operation goes on whatever becomes of this request: only the waiting ends when the client hangs up.</summary>
    public static async Task<Results<Ok<TAnswer>, Accepted<AcceptedAnswer>>> OfAsync<TResult, TAnswer>(
        Func<OperationTicket<TResult>> start, string? wait, HttpContext context, Func<TResult, string, TAnswer> answer)
    {
        var waits = RequestChecks.Flag("wait", wait, byDefault: true);
        var ticket = start();
        if (!waits)
        {
            var accepted = new AcceptedAnswer(ticket.Id);
            return TypedResults.Accepted(accepted.Status, accepted);
        }

        context.RequestServices.GetRequiredService<ClientsAtStop>().Spare(context);
        try
        {
            return TypedResults.Ok(answer(await ticket.Completion.WaitAsync(context.RequestAborted), ticket.Id));
        }
        catch (BackupException e) when (e.OperationId is null)
        {
            throw new BackupException(e.Fault, e.Message, e.Hint, e) { OperationId = ticket.Id };
        }
    }
}
