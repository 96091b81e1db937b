using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Hooks;

/// <summary>An application that was asked to pause is told that it is over, however the service ends.</summary>
public sealed class HookAtTheEndTests : IDisposable
{
    private readonly HookListener application = new();
    private readonly TempFolder folder = new();

    public HookAtTheEndTests()
    {
        folder.File("storage/a.txt", "hello"u8);
        application.Answering = static called => called == "beforeCapture" ? Task.Delay(TimeSpan.FromMinutes(5)) : Task.CompletedTask;
    }

    public void Dispose()
    {
        application.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_backup_that_is_abandoned_at_SIGTERM_is_over_for_the_application_too()
    {
        using var service = await StartAsync();

        service.Terminate();

        Assert.Equal(0, await service.ExitAsync());
        Assert.Equal(["beforeCapture", "afterCapture failed"], application.Told);
        Assert.Equal("cancelled", application.Calls[1].Body.GetProperty("fault").GetString());
    }

    [Fact]
    public async Task After_a_kill_the_next_start_tells_it()
    {
        using (await StartAsync())
        {
            // Killed here.
        }

        Assert.Equal(["beforeCapture"], application.Told);
        using var next = (await ServiceProcess.ServeAsync(folder, Hooks())).Service;

        Assert.True(await application.ToldAsync(2));
        Assert.Equal("afterCapture interrupted", application.Told[1]);
        Assert.False(File.Exists(folder["backups/.backupapi/hook.json"]));
    }

    [Fact]
    public async Task A_proxy_of_the_environment_is_no_business_of_a_hook()
    {
        application.Answering = static _ => Task.CompletedTask;
        using var proxy = new HookListener();
        var (service, address) = await ServiceProcess.ServeAsync(
            folder,
            [.. Hooks(), ("HTTP_PROXY", proxy.Address), ("http_proxy", proxy.Address), ("ALL_PROXY", proxy.Address)]);
        using (service)
        {
            using var client = new HttpClient { BaseAddress = address };
            using var answer = await client.PostAsync(new Uri("/api/backup/create", UriKind.Relative), null);
            answer.EnsureSuccessStatusCode();
        }

        Assert.Empty(proxy.Told);
        Assert.Contains("afterCapture ok", application.Told);
    }

    private async Task<ServiceProcess> StartAsync()
    {
        var (service, address) = await ServiceProcess.ServeAsync(folder, Hooks());
        using var client = new HttpClient { BaseAddress = address };
        using var accepted = await client.PostAsync(new Uri("/api/backup/create?wait=false", UriKind.Relative), null);
        Assert.True(await application.ToldAsync(1));
        return service;
    }

    private (string Name, string? Value)[] Hooks() =>
    [
        ("Backup__Hooks__BeforeCapture", application.Address), ("Backup__Hooks__AfterCapture", application.Address),
        ("Backup__Hooks__Timeout", "300"), ("SHUTDOWN_TIMEOUT", "10"),
    ];
}
