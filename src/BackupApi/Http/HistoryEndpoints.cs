using BackupApi.Http.Access;
using System.Globalization;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/history</c> and <c>/api/stats</c>: what was done in the last 90 days.</summary>
internal static class HistoryEndpoints
{
    public static void MapHistory(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api").WithTags("History").WithMetadata(new NeedsReady());

        group.MapGet("/history", List).Needs(Role.Read).Describe(
            "listHistory", "Operations of the last 90 days, newest first",
            "Filters: kind, outcome, trigger, backup, from, to (instants). Pages: limit (1 to 500, default 50), and before, which is the next of the page before.", HistoryAnswer.Example,
            Fault.InvalidRequest, Fault.NotReady);
        group.MapGet("/stats", Stats).Needs(Role.Read).Describe(
            "getStats", "History in figures", "For each kind of operation its rate of success, average and 95th percentile of the last 100; growth a day, days until the disk is full; each of the last 30 days.", StatsAnswer.Example,
            Fault.NotReady);
    }

    private static Ok<HistoryAnswer> List(
        string? kind, string? outcome, string? trigger, string? backup, string? from, string? to, string? before, string? limit, KeepHistory history) =>
        TypedResults.Ok(HistoryAnswer.Of(history.List(new HistoryFilter
        {
            Kind = Word<OperationKind>("kind", kind),
            Outcome = Word<Outcome>("outcome", outcome),
            Trigger = Word<Trigger>("trigger", trigger),
            BackupName = string.IsNullOrEmpty(backup) ? null : RequestChecks.BackupName(backup),
            From = Instant("from", from),
            To = Instant("to", to),
            Before = string.IsNullOrEmpty(before) ? null : before,
            Limit = Limit(limit),
        })));

    private static Ok<StatsAnswer> Stats(KeepHistory history) => TypedResults.Ok(new StatsAnswer(history.Stats()));

    private static T? Word<T>(string name, string? text)
        where T : struct, Enum => string.IsNullOrEmpty(text) ? null
        : char.IsLetter(text[0]) && Enum.TryParse<T>(text, ignoreCase: true, out var value) ? value
        : throw new BackupException(Fault.InvalidRequest, $"The value of {name} is not known.", $"Known are: {string.Join(", ", Enum.GetNames<T>().Select(word => char.ToLowerInvariant(word[0]) + word[1..]))}.");

    private static DateTimeOffset? Instant(string name, string? text) => string.IsNullOrEmpty(text) ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant) ? instant
        : throw new BackupException(Fault.InvalidRequest, $"The value of {name} is no instant.", "Write it as 2026-11-20T12:00:00Z.");

    private static int Limit(string? text) => string.IsNullOrEmpty(text) ? new HistoryFilter().Limit
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= HistoryFilter.MaxPage ? limit
        : throw new BackupException(Fault.InvalidRequest, "The value of limit is out of bounds.", "It is a whole number from 1 to 500.");
}
