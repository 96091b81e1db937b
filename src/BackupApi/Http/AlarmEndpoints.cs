using BackupApi.Http.Access;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;
using BackupApi.Model;
using BackupApi.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/alarms</c>: suspicious changes, until somebody looked at them.</summary>
internal static class AlarmEndpoints
{
    private static readonly Alarm Example = new(
        "42-1", "data/app.db", "data/app.db fell from 1000 to 120 entries, by 88 %.", "backup_2026-11-20_120000.tar.gz", 42, "backup_2026-11-20_110000.tar.gz",
        new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));

    public static void MapAlarms(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/alarms").WithTags("Alarms").WithMetadata(new NeedsReady());

        group.MapGet("", List).Needs(Role.Read).Describe("listAlarms", "Suspicious changes, newest first", "Those that stand have no acknowledgedAt. Each keeps the newest backup before the change.", new AlarmsAnswer([Example]), Fault.NotReady);
        group.MapPost("/{id}/acknowledge", Acknowledge).Needs(Role.Operate).Describe(
            "acknowledgeAlarm", "The change is as it should be", "Its pin goes; later backups are compared with what is now.", new AlarmAnswer(Example), Fault.InvalidRequest, Fault.NotFound, Fault.NotReady);
    }

    private static Ok<AlarmsAnswer> List(BackupManager manager) => TypedResults.Ok(new AlarmsAnswer(manager.Alarms.List()));

    private static Ok<AlarmAnswer> Acknowledge(string id, BackupManager manager) => TypedResults.Ok(new AlarmAnswer(manager.Acknowledge(id)));
}

internal sealed record AlarmsAnswer(IReadOnlyList<Alarm> Alarms)
{
    public bool Success => true;
}

internal sealed record AlarmAnswer(Alarm Alarm)
{
    public bool Success => true;
}
