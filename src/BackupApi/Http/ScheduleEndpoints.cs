using System.Globalization;
using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/schedule</c>: when backups are taken by themselves.</summary>
internal static class ScheduleEndpoints
{
    public static void MapSchedule(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/schedule").WithTags("Schedule").WithMetadata(new NeedsReady());

        group.MapGet("", Get).Needs(Role.Read).Describe("getSchedule", "When backups are taken by themselves", "With the next five runs, in the time zone of TZ.", ScheduleAnswer.Example, Fault.NotReady);
        group.MapPut("", Put).Needs(Role.Admin).DescribeWithBody(
            "putSchedule", "Change when backups are taken", "What is left out stays as it is. The change outlives a restart, over the settings.", ScheduleBody.Example, ScheduleAnswer.Example,
            Fault.InvalidRequest, Fault.TooLarge, Fault.NotReady);
        group.MapPost("/pause", Pause).Needs(Role.Operate).Describe("pauseSchedule", "Hold scheduled backups back", "Until they are resumed; health says so meanwhile, and calls nothing overdue.", ScheduleAnswer.Example, Fault.InvalidRequest, Fault.NotReady);
        group.MapPost("/resume", Resume).Needs(Role.Operate).Describe("resumeSchedule", "Let scheduled backups go on", "The next one is reckoned from now.", ScheduleAnswer.Example, Fault.InvalidRequest, Fault.NotReady);
    }

    private static Ok<ScheduleAnswer> Get(BackupManager manager) => TypedResults.Ok(ScheduleAnswer.Of(manager.Schedule));

    private static Ok<ScheduleAnswer> Put(JsonBody<ScheduleBody> body, BackupManager manager)
    {
        manager.ChangeSchedule(body.Value.Over);
        return Get(manager);
    }

    private static Ok<ScheduleAnswer> Pause(BackupManager manager)
    {
        manager.ChangeSchedule(plan => plan with { Paused = true });
        return Get(manager);
    }

    private static Ok<ScheduleAnswer> Resume(BackupManager manager)
    {
        manager.ChangeSchedule(plan => plan with { Paused = false });
        return Get(manager);
    }
}

/// <summary>A due time as a person reads it: in the time zone of the schedule, with its offset.</summary>
internal static class ZonedText
{
    public static string? Of(DateTimeOffset? instant, TimeZoneInfo zone) =>
        instant is { } at ? TimeZoneInfo.ConvertTime(at, zone).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture) : null;
}
