using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Alerts;
using BackupApi.Tests.Support;
using BackupApi.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>What is told when, by the real timers, to real listeners on loopback.</summary>
public sealed class AlertTimerTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ManualClock clock = new(Noon);
    private readonly Receiver receiver = new();

    public void Dispose() => receiver.Dispose();

    private Task<Service> StartAsync(AlertSettings alerts) => Service.StartAsync(
        settings => settings with { AutoBackupEnabled = false, Alerts = alerts }, services => services.AddSingleton<TimeProvider>(clock));

    private AlertSettings Hook => new() { Channels = [new AlertChannel("0-webhook", ChannelKind.Webhook, receiver.Address)] };

    private static T Make<T>(Service service, params object[] more) => ActivatorUtilities.CreateInstance<T>(service.Get<IServiceProvider>(), more);

    private string[] Told => [.. receiver.Requests.Select(r => JsonDocument.Parse(r.Body).RootElement).Select(j => $"{j.GetProperty("kind").GetString()} {j.GetProperty("code").GetString()}")];

    private string[] Pinged => [.. receiver.Requests.Select(r => r.Head.Split(' ')[1])];

    private async Task UntilAsync(Func<bool> condition, TimeSpan step, Func<string>? say = null)
    {
        for (var i = 0; i < 1500 && !condition(); i++)
        {
            clock.Advance(step);
            await Task.Delay(20);
        }

        Assert.True(condition(), string.Join('\n', [say?.Invoke(), .. receiver.Requests.Select(r => r.Head.Split('\n')[0] + r.Body)]));
    }

    [Fact]
    public async Task What_goes_on_is_told_again_each_day_and_not_anew_after_a_restart()
    {
        await using var service = await StartAsync(Hook);
        using var health = Make<HealthTimer>(service);
        using var alerts = Make<AlertTimer>(service);
        await health.StartAsync(CancellationToken.None);
        await alerts.StartAsync(CancellationToken.None);

        Directory.Delete(service.Storage);
        await UntilAsync(() => Told.Length == 1, TimeSpan.FromSeconds(15));
        var first = clock.GetUtcNow();
        await UntilAsync(() => Told.Length == 2, TimeSpan.FromMinutes(30));
        Assert.True(clock.GetUtcNow() - first >= TimeSpan.FromHours(23.9), $"{clock.GetUtcNow() - first}");

        // Another life: it reads what was told, and has nothing new to say.
        await alerts.StopAsync(CancellationToken.None);
        var another = Make<AlertDesk>(service);
        using var again = Make<AlertTimer>(service, another);
        await again.StartAsync(CancellationToken.None);
        another.Look(service.Get<WatchHealth>().Refresh());

        Directory.CreateDirectory(service.Storage);
        await UntilAsync(() => Told.Length == 3, TimeSpan.FromSeconds(15));
        Assert.Equal(["failure storage-missing", "failure storage-missing", "recovery storage-missing"], Told);
        await again.StopAsync(CancellationToken.None);
        await health.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task An_operation_far_slower_than_those_before_it_is_told_also_after_a_restart()
    {
        await using var service = await StartAsync(Hook);
        using var alerts = Make<AlertTimer>(service);
        await alerts.StartAsync(CancellationToken.None);
        async Task TakeAsync(OperationLedger ledger, double seconds)
        {
            using var gate = new OperationGate(ledger, NullLogger<BackupManager>.Instance);
            await gate.Start(OperationKind.Verify, Trigger.Manual, false, false, _ =>
            {
                clock.Advance(TimeSpan.FromSeconds(seconds));
                return Task.FromResult(0);
            }).Completion;
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        for (var i = 0; i < 5; i++)
        {
            await TakeAsync(service.Get<OperationLedger>(), 10);
        }

        // Another life knows by its history what is usual.
        await alerts.StopAsync(CancellationToken.None);
        using var ledger = new OperationLedger(clock, NullLogger<BackupManager>.Instance);
        using var again = Make<AlertTimer>(service, ledger);
        await again.StartAsync(CancellationToken.None);
        await TakeAsync(ledger, 29);
        await TakeAsync(ledger, 31);

        await UntilAsync(() => Told.Length > 0, TimeSpan.Zero);
        Assert.Equal(["slow slow"], Told);
        Assert.Contains("took 31 s; 10 s are usual", receiver.Requests[0].Body, StringComparison.Ordinal);
        await again.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_start_that_takes_over_ten_seconds_is_told()
    {
        Assert.Null(AlertRules.SlowStart(TimeSpan.FromSeconds(10), Noon));
        await using var service = await StartAsync(Hook);
        using var alerts = Make<AlertTimer>(service);
        using var start = Make<StartAndStop>(service, new SlowClock(), new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance));
        await alerts.StartAsync(CancellationToken.None);
        await start.StartAsync(CancellationToken.None);

        await UntilAsync(() => Told.Length > 0, TimeSpan.Zero);
        Assert.Equal(["slow slow-start"], Told);
        await alerts.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task The_dead_mans_switch_hears_of_start_success_and_failure_in_their_order()
    {
        await using var service = await StartAsync(new AlertSettings { PingUrl = receiver.Address });
        using var alerts = Make<AlertTimer>(service);
        await alerts.StartAsync(CancellationToken.None);
        service.Temp.File("storage/a.txt", "a"u8);

        await service.Manager.StartBackup(new CreateRequest()).Completion;
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        await UntilAsync(() => Pinged.Length == 2, TimeSpan.Zero);
        Directory.Delete(service.Storage, recursive: true);
        await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartBackup(new CreateRequest()).Completion);

        await UntilAsync(() => Pinged.Length == 4, TimeSpan.Zero);
        Assert.Equal(["/hook/start", "/hook", "/hook/start", "/hook/fail"], Pinged);
        await alerts.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_switch_that_does_not_answer_is_told_by_health_and_gets_the_last_word_once_it_does()
    {
        receiver.Status = 500;
        await using var service = await StartAsync(new AlertSettings { PingUrl = receiver.Address });
        using var alerts = Make<AlertTimer>(service);
        await alerts.StartAsync(CancellationToken.None);
        service.Temp.File("storage/a.txt", "a"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;

        HealthReason[] Failing() => [.. service.Get<WatchHealth>().Refresh().Reasons.Where(r => r.Code == "alert-channel-failing")];
        await UntilAsync(() => Pinged.Length > 0 && Pinged[^1] == "/hook" && Failing().Length == 1, TimeSpan.Zero);
        Assert.Contains("ping", Failing()[0].Message, StringComparison.Ordinal);

        receiver.Status = 200;
        await UntilAsync(() => Failing().Length == 0, TimeSpan.FromSeconds(5), () => $"{clock.GetUtcNow()}: {Failing().FirstOrDefault()}");
        Assert.Equal("/hook", Pinged[^1]);
        Assert.Equal(Pinged.OrderByDescending(path => path, StringComparer.Ordinal), Pinged);
        await alerts.StopAsync(CancellationToken.None);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Mail_goes_out_after_STARTTLS_to_a_server_whose_certificate_is_trusted_and_to_no_other(bool isTrusted)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var server = new MailServer(certificate);
        using var folder = new TempFolder();
        var trusted = folder.File("trusted.pem", Encoding.ASCII.GetBytes(isTrusted ? certificate.ExportCertificatePem() : ""));
        var service = new RunningService(
            static _ => { },
            ("SSL_CERT_FILE", trusted), ("SSL_CERT_DIR", folder.Folder("none")), ("Backup__Mail__Host", "localhost"), ("Backup__Mail__Port", $"{server.Port}"),
            ("Backup__Mail__From", "backup@example.org"), ("Backup__Mail__To", "person@example.org"), ("Backup__Mail__User", "user"), ("Backup__Mail__Password_FILE", folder.File("password", "pass word\n"u8)));
        await service.InitializeAsync();
        try
        {
            var (status, answer) = await service.PostAsync("/api/alerts/test");

            Assert.Equal(200, status);
            var error = answer.GetProperty("channels")[0];
            var said = await server.Said;
            var afterTls = said[Math.Max(0, said.IndexOf("-- TLS --", StringComparison.Ordinal))..];
            Assert.True(isTrusted == afterTls.Contains("This is a test", StringComparison.Ordinal), $"{answer}\n{said}");
            Assert.Equal(isTrusted, afterTls.Contains(Convert.ToBase64String("pass word"u8), StringComparison.Ordinal));
            Assert.DoesNotContain("AUTH", said[..said.IndexOf("STARTTLS", StringComparison.Ordinal)], StringComparison.Ordinal);
            Assert.Equal(isTrusted, !error.ToString().Contains("its certificate is not trusted", StringComparison.Ordinal));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    /// <summary>Each look at it is eleven seconds later.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long looks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Increment(ref looks) * 11 * TimeSpan.TicksPerSecond;
    }
}
