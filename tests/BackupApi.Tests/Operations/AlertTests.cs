using System.Text.Json;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Alerts;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Alerts against real listeners on loopback.</summary>
public sealed class AlertTests
{
    private static readonly DateTimeOffset Noon = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Alert Sample = new(AlertKind.Failure, "disk-full", "BackupApi: Unhealthy", "3 MB are free for \"backups\".", "Free some room.", Noon);

    private static HealthReason Reason(string code, string subject = "") => new(code, HealthStatus.Degraded, code, "hint", Noon) { Subject = subject };

    [Theory]
    [InlineData(nameof(ChannelKind.Webhook), "message", "3 MB are free for \"backups\".")]
    [InlineData(nameof(ChannelKind.Slack), "text", "BackupApi: Unhealthy: 3 MB are free for \"backups\". Free some room.")]
    [InlineData(nameof(ChannelKind.Discord), "content", "BackupApi: Unhealthy: 3 MB are free for \"backups\". Free some room.")]
    [InlineData(nameof(ChannelKind.Gotify), "message", "3 MB are free for \"backups\". Free some room.")]
    [InlineData(nameof(ChannelKind.Teams), "type", "message")]
    public async Task Each_receiver_gets_the_body_it_knows(string name, string field, string expected)
    {
        var kind = Enum.Parse<ChannelKind>(name);
        using var receiver = new Receiver();
        using var send = new SendAlert(new AlertSettings());

        Assert.Null(await send.SendAsync(new AlertChannel("x", kind, receiver.Address, "secret"), Sample, CancellationToken.None));

        var (head, body) = Assert.Single(receiver.Requests);
        Assert.Equal(expected, JsonDocument.Parse(body).RootElement.GetProperty(field).GetString());
        Assert.Contains(kind == ChannelKind.Gotify ? "X-Gotify-Key: secret" : "Authorization: Bearer secret", head, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task For_ntfy_the_text_is_the_body_and_the_title_a_header()
    {
        using var receiver = new Receiver();
        using var send = new SendAlert(new AlertSettings());

        Assert.Null(await send.SendAsync(new AlertChannel("x", ChannelKind.Ntfy, receiver.Address), Sample, CancellationToken.None));

        var (head, body) = Assert.Single(receiver.Requests);
        Assert.Equal("3 MB are free for \"backups\".\nFree some room.", body);
        Assert.Contains("Title: BackupApi: Unhealthy", head, StringComparison.Ordinal);
        Assert.Contains("Priority: high", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mail_arrives_with_subject_and_body()
    {
        using var server = new MailServer();
        using var send = new SendAlert(new AlertSettings { Mail = new MailSettings("127.0.0.1", server.Port, false, "from@example.org", ["one@example.org", "two@example.org"], null, null) });

        Assert.Null(await send.SendAsync(new AlertChannel("mail", ChannelKind.Mail), Sample, CancellationToken.None));

        var said = await server.Said;
        Assert.Contains("MAIL FROM:<from@example.org>", said, StringComparison.Ordinal);
        Assert.Contains("RCPT TO:<two@example.org>", said, StringComparison.Ordinal);
        Assert.Contains("disk-full", said, StringComparison.Ordinal);
        Assert.Contains("3 MB are free", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_is_told_by_its_status_and_a_closed_door_without_the_address()
    {
        using var send = new SendAlert(new AlertSettings());
        Uri closed;
        using (var receiver = new Receiver(status: 503))
        {
            closed = receiver.Address;
            Assert.Equal("status 503", await send.SendAsync(new AlertChannel("x", ChannelKind.Webhook, receiver.Address), Sample, CancellationToken.None));
        }

        var error = await send.SendAsync(new AlertChannel("x", ChannelKind.Webhook, closed), Sample, CancellationToken.None);
        Assert.Equal("ConnectionError", error);
        Assert.Equal("no mail server is set", await send.SendAsync(new AlertChannel("mail", ChannelKind.Mail), Sample, CancellationToken.None));
    }

    [Fact]
    public void What_comes_is_told_what_stays_once_a_day_and_what_goes_once()
    {
        IReadOnlyDictionary<string, DateTimeOffset> told = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        string[] Step(double hours, params HealthReason[] reasons)
        {
            (var alerts, told) = AlertRules.Decide(told, reasons, Noon.AddHours(hours));
            return [.. alerts.Select(a => $"{a.Kind} {a.Code}")];
        }

        Assert.Equal(["Failure last-backup-failed"], Step(0, Reason("last-backup-failed"), Reason("no-backup-yet")));
        Assert.Empty(Step(23.9, Reason("last-backup-failed")));
        Assert.Equal(["Failure last-backup-failed"], Step(24, Reason("last-backup-failed")));
        Assert.Equal(["Overdue overdue", "Alarm suspicious-change", "Alarm suspicious-change"], Step(25, Reason("last-backup-failed"), Reason("overdue"), Reason("suspicious-change", "1"), Reason("suspicious-change", "2")));
        Assert.Equal(["Recovery last-backup-failed", "Recovery overdue", "Recovery suspicious-change"], Step(26, Reason("suspicious-change", "2")));
        Assert.Equal(["Recovery suspicious-change"], Step(27));
        Assert.Empty(Step(28));
    }

    [Fact]
    public void Slow_is_what_takes_three_times_as_long_as_usual_and_long_enough_to_matter()
    {
        static OperationRecord Took(double seconds) => new() { Id = "x", Kind = OperationKind.Backup, Trigger = Trigger.Schedule, State = OperationState.Ended, StartedAt = Noon, EndedAt = Noon.AddSeconds(seconds) };
        List<TimeSpan> usual = [.. Enumerable.Repeat(TimeSpan.FromSeconds(10), 5)];

        Assert.NotNull(AlertRules.Slow(Took(31), usual));
        Assert.Null(AlertRules.Slow(Took(30), usual));
        Assert.Null(AlertRules.Slow(Took(31), usual[..4]));
        Assert.Null(AlertRules.Slow(Took(4), [.. Enumerable.Repeat(TimeSpan.FromSeconds(1), 5)]));
    }

    [Fact, Provokes("alert-channel-failing")]
    public async Task A_failing_channel_is_told_by_health_and_gets_its_alert_once_it_works_again()
    {
        using var receiver = new Receiver(status: 500);
        var clock = new ManualClock(Noon);
        await using var service = await Service.StartAsync(
            settings => settings with { Alerts = new AlertSettings { Channels = [new AlertChannel("0-webhook", ChannelKind.Webhook, receiver.Address)] } },
            services => services.AddSingleton<TimeProvider>(clock));
        using var stop = new CancellationTokenSource();
        var desk = service.Get<AlertDesk>();
        var delivering = desk.DeliverAsync(stop.Token);

        Directory.Delete(service.Storage);
        desk.Look(service.Get<WatchHealth>().Refresh());
        Assert.True(await EventuallyAsync(() => desk.Failing.Count == 1));
        Assert.Contains(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "alert-channel-failing");

        receiver.Status = 200;
        Assert.True(await EventuallyAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(5));
            return desk.Failing.Count == 0;
        }));
        Assert.Contains("storage-missing", receiver.Requests[^1].Body, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "alert-channel-failing");

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delivering);
    }

    [Fact]
    public async Task A_test_says_how_each_channel_took_it()
    {
        using var good = new Receiver();
        using var bad = new Receiver(status: 404);
        await using var service = await Service.StartAsync(settings => settings with
        {
            Alerts = new AlertSettings { Channels = [new AlertChannel("good", ChannelKind.Webhook, good.Address), new AlertChannel("bad", ChannelKind.Slack, bad.Address)] },
        });

        var answers = await service.Get<AlertDesk>().TestAsync(CancellationToken.None);

        Assert.Null(answers["good"]);
        Assert.Equal("status 404", answers["bad"]);
    }

    private static async Task<bool> EventuallyAsync(Func<bool> condition)
    {
        for (var i = 0; i < 500; i++)
        {
            if (condition())
            {
                return true;
            }

            await Task.Delay(10);
        }

        return false;
    }
}
