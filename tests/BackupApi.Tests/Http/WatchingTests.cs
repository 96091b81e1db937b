using System.Net;
using System.Text;
using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>The calls by which a person watches over it, against the real process.</summary>
public sealed class WatchingTests(RunningService service) : IClassFixture<RunningService>
{
    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task<JsonElement> OkAsync(HttpMethod method, string path, string? body = null)
    {
        var (status, json) = await service.SendAsync(method, path, body is null ? null : Json(body));
        Assert.True(status == 200, $"{method} {path}: {status} {json}");
        return json;
    }

    [Fact]
    public async Task A_schedule_is_put_paused_and_resumed_and_says_when_it_runs_next()
    {
        var put = await OkAsync(HttpMethod.Put, "/api/schedule", """{"enabled":true,"schedules":[{"frequency":"weekly","time":"02:00","weekday":0},{"cron":"30 3 1 * *"}],"jitterSeconds":0}""");
        Assert.Equal(2, put.GetProperty("schedules").GetArrayLength());
        Assert.Equal(5, put.GetProperty("next").GetArrayLength());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT0[23]:[03]0:00[+-]\d\d:\d\d$", put.GetProperty("nextScheduled").GetString());

        await OkAsync(HttpMethod.Post, "/api/schedule/pause");
        var paused = await OkAsync(HttpMethod.Get, "/api/schedule");
        Assert.True(paused.GetProperty("paused").GetBoolean());
        Assert.False(paused.TryGetProperty("nextScheduled", out var none) && none.ValueKind != JsonValueKind.Null);
        await OkAsync(HttpMethod.Post, "/api/schedule/resume");
        Assert.Equal(400, (await service.SendAsync(HttpMethod.Put, "/api/schedule", Json("""{"schedules":[{"cron":"61 * * * *"}]}"""))).Status);
        Assert.Equal(400, (await service.SendAsync(HttpMethod.Put, "/api/schedule", Json("""{"schedule":[]}"""))).Status);
    }

    [Fact]
    public async Task A_backup_is_pinned_listed_with_its_pin_and_let_go()
    {
        var name = (await OkAsync(HttpMethod.Post, "/api/backup/create")).GetProperty("name").GetString();

        var pinned = await OkAsync(HttpMethod.Post, $"/api/backup/{name}/pin", """{"note":"before the move"}""");
        Assert.Equal("by request: before the move", pinned.GetProperty("pins")[0].GetString());
        Assert.Equal(409, (await service.SendAsync(HttpMethod.Delete, $"/api/backup/{name}")).Status);
        var plan = await OkAsync(HttpMethod.Get, "/api/retention/plan");
        Assert.Contains("pinned: by request: before the move", plan.GetProperty("keep").EnumerateArray().SelectMany(k => k.GetProperty("reasons").EnumerateArray()).Select(r => r.GetString()));
        Assert.Equal(0, (await OkAsync(HttpMethod.Delete, $"/api/backup/{name}/pin")).GetProperty("pins").GetArrayLength());
        Assert.Equal(404, (await service.SendAsync(HttpMethod.Post, "/api/backup/backup_2000-01-01_000000.tar.gz/pin")).Status);
    }

    [Fact]
    public async Task History_statistics_alarms_and_a_drill_answer()
    {
        var name = (await OkAsync(HttpMethod.Post, "/api/backup/create")).GetProperty("name").GetString();
        Assert.Equal(name, (await OkAsync(HttpMethod.Post, $"/api/backup/{name}/drill")).GetProperty("name").GetString());
        Assert.Equal("drill", (await OkAsync(HttpMethod.Get, $"/api/backup/{name}")).GetProperty("backup").GetProperty("verification").GetString());

        var history = await OkAsync(HttpMethod.Get, $"/api/history?kind=backup&outcome=ok&backup={name}");
        Assert.Equal("manual", history.GetProperty("operations")[0].GetProperty("trigger").GetString());
        Assert.True((await OkAsync(HttpMethod.Get, "/api/stats")).GetProperty("stats").GetProperty("kinds").GetArrayLength() >= 2);
        Assert.Equal(0, (await OkAsync(HttpMethod.Get, "/api/alarms")).GetProperty("alarms").GetArrayLength());
        Assert.Equal(404, (await service.SendAsync(HttpMethod.Post, "/api/alarms/1-1/acknowledge")).Status);
        Assert.Equal(0, (await OkAsync(HttpMethod.Post, "/api/alerts/test")).GetProperty("channels").GetArrayLength());
        foreach (var wrong in new[] { "kind=x", "limit=0", "limit=501", "from=yesterday", "before=x" })
        {
            Assert.Equal(400, (await service.SendAsync(HttpMethod.Get, $"/api/history?{wrong}")).Status);
        }
    }

    [Fact]
    public async Task Metrics_are_plain_text_and_the_log_can_be_read_and_turned_up()
    {
        using (var metrics = await service.Client.GetAsync(new Uri("/metrics", UriKind.Relative)))
        {
            Assert.Equal(HttpStatusCode.OK, metrics.StatusCode);
            Assert.Equal("text/plain; version=0.0.4; charset=utf-8", metrics.Content.Headers.ContentType!.ToString());
        }

        await OkAsync(HttpMethod.Post, "/api/backup/create");
        var lines = await OkAsync(HttpMethod.Get, "/api/logs?level=information&limit=50");
        Assert.Contains(lines.GetProperty("lines").EnumerateArray(), l => l.GetProperty("source").GetString() == "BackupManager" && l.GetProperty("operation").ValueKind == JsonValueKind.String);
        Assert.Equal("debug", (await OkAsync(HttpMethod.Put, "/api/logs/level", """{"level":"debug"}""")).GetProperty("level").GetString());
        await OkAsync(HttpMethod.Get, "/api/health/live");
        Assert.Contains((await OkAsync(HttpMethod.Get, "/api/logs?level=debug")).GetProperty("lines").EnumerateArray(), l => l.GetProperty("level").GetString() == "debug");
        Assert.Equal(400, (await service.SendAsync(HttpMethod.Put, "/api/logs/level", Json("""{"level":"loud"}"""))).Status);
    }
}
