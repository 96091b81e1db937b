using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Hooks;

/// <summary>Hooks against a real listener on loopback.</summary>
public sealed class HookTests : IDisposable
{
    private readonly HookListener application = new();

    public void Dispose() => application.Dispose();

    [Fact]
    public async Task A_backup_stands_between_its_hooks_and_the_second_one_says_how_it_ended()
    {
        await using var service = await StartAsync();

        var ticket = service.Manager.StartBackup(new CreateRequest());
        var backup = (await ticket.Completion).Backup;

        Assert.Equal(["beforeCapture", "afterCapture ok"], application.Told);
        var (head, before) = application.Calls[0];
        var after = application.Calls[1].Body;
        Assert.StartsWith("POST /hook HTTP/1.1", head, StringComparison.Ordinal);
        Assert.Contains("application/json", head, StringComparison.Ordinal);
        Assert.Equal(ticket.Id, before.GetProperty("operationId").GetString());
        Assert.Equal("backup", before.GetProperty("kind").GetString());
        Assert.Equal("manual", before.GetProperty("trigger").GetString());
        Assert.False(before.TryGetProperty("endedAt", out _));
        Assert.Equal(backup.Name, after.GetProperty("backupName").GetString());
        Assert.True(after.GetProperty("endedAt").GetDateTimeOffset() >= after.GetProperty("startedAt").GetDateTimeOffset());
        Assert.False(File.Exists($"{service.Backups}/.backupapi/hook.json"));
    }

    [Fact]
    public async Task What_the_application_writes_out_when_it_is_asked_is_in_the_backup()
    {
        await using var service = await StartAsync();
        application.Answering = called => called == "beforeCapture" ? File.WriteAllTextAsync($"{service.Storage}/flushed.txt", "in memory until now") : Task.CompletedTask;

        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;

        var names = new List<string>();
        await foreach (var entry in service.Manager.ListFilesAsync(backup.Name, CancellationToken.None))
        {
            names.Add(entry.Name);
        }

        Assert.Contains("flushed.txt", names);
    }

    [Fact]
    public async Task A_hook_that_fails_is_a_warning_and_its_address_is_told_nowhere()
    {
        application.Status = 500;
        await using var service = await StartAsync(hooks => hooks with
        {
            BeforeCapture = new Uri(application.Address.Replace("//", "//user:pa%24word@", StringComparison.Ordinal) + "?token=geheim"),
            AfterCapture = new Uri(HookListener.Nobody() + "?token=geheim"),
        });

        var ticket = service.Manager.StartBackup(new CreateRequest());
        var result = await ticket.Completion;

        Assert.Equal(Outcome.Ok, result.Backup.Outcome);
        Assert.Contains("answered 500", Assert.Single(result.Backup.Warnings).Message, StringComparison.Ordinal);
        Assert.Equal(["Backup__Hooks__BeforeCapture", "Backup__Hooks__AfterCapture"], result.Warnings.Select(warning => warning.Where));
        Assert.Equal(result.Warnings, service.Manager.GetOperation(ticket.Id).Warnings);
        Assert.Contains("Authorization: Basic dXNlcjpwYSR3b3Jk", application.Calls[0].Head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("user:", application.Calls[0].Head, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Log.Lines, line => line.Text.Contains("geheim", StringComparison.Ordinal) || line.Text.Contains("pa$word", StringComparison.Ordinal) || line.Text.Contains("127.0.0.1", StringComparison.Ordinal));
        Assert.DoesNotContain(result.Warnings, warning => warning.Message.Contains("geheim", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_it_is_set_so_a_refusal_stops_the_backup_and_the_application_is_told_that_it_is_over()
    {
        application.Status = 409;
        await using var service = await StartAsync(hooks => hooks with { StopsOnFailure = true });

        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartBackup(new CreateRequest()).Completion);

        Assert.Equal(Fault.HookFailed, failure.Fault);
        Assert.Contains("answered 409", failure.Message, StringComparison.Ordinal);
        Assert.Contains("OnFailure=warn", failure.Hint, StringComparison.Ordinal);
        Assert.Empty(service.Manager.List());
        Assert.Equal(["beforeCapture", "afterCapture failed"], application.Told);
        Assert.Equal("hookFailed", application.Calls[1].Body.GetProperty("fault").GetString());
    }

    [Fact]
    public async Task An_application_that_does_not_answer_is_not_waited_for_longer_than_is_set()
    {
        application.Answering = static called => called == "beforeCapture" ? Task.Delay(TimeSpan.FromMinutes(5)) : Task.CompletedTask;
        await using var service = await StartAsync(hooks => hooks with { Timeout = TimeSpan.FromSeconds(1) });

        var result = await service.Manager.StartBackup(new CreateRequest()).Completion;

        Assert.Contains("within 1 s", Assert.Single(result.Warnings).Message, StringComparison.Ordinal);
        Assert.Equal(["beforeCapture", "afterCapture ok"], application.Told);
    }

    [Fact]
    public async Task A_restore_and_its_undo_have_hooks_of_their_own_and_the_backup_before_them_has_none()
    {
        await using var service = await StartAsync();
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await File.WriteAllTextAsync($"{service.Storage}/a.txt", "later");

        var restored = await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion;
        await service.Manager.StartUndo(force: false).Completion;

        Assert.NotNull(restored.SafetyBackup);
        Assert.Equal(["beforeCapture", "afterCapture ok", "beforeRestore", "afterRestore ok", "beforeRestore", "afterRestore ok"], application.Told);
        Assert.Equal(["restore", "undo"], application.Calls.Where((_, i) => i is 2 or 4).Select(call => call.Body.GetProperty("kind").GetString()!));
        Assert.Equal(backup.Name, application.Calls[2].Body.GetProperty("backupName").GetString());
    }

    [Fact]
    public async Task An_application_that_closes_its_files_when_it_is_asked_is_restored_at_once()
    {
        await using var service = await StartAsync();
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await File.WriteAllTextAsync($"{service.Storage}/a.txt", "later");
        using var owner = await HolderProcess.StartAsync($"{service.Storage}/a.txt", "held = open(path, 'r+b')");

        Assert.False((await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion).Applied);
        Assert.Equal("afterRestore staged", application.Told[^1]);

        application.Answering = called =>
        {
            if (called == "beforeRestore")
            {
                owner.StopAndReadOutput();
            }

            return Task.CompletedTask;
        };
        Assert.True((await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion).Applied);
        Assert.Equal("afterRestore ok", application.Told[^1]);
        Assert.Equal("hello", await File.ReadAllTextAsync($"{service.Storage}/a.txt"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task At_a_start_an_application_that_does_not_run_keeps_no_archive_waiting_but_one_that_refuses_does(bool runs)
    {
        application.Status = 503;
        using var kept = new TempFolder();
        var archive = kept["kept.tar.gz"];
        await using (var before = await Service.StartAsync())
        {
            await File.WriteAllTextAsync($"{before.Storage}/a.txt", "hello");
            File.Copy((await before.Manager.StartBackup(new CreateRequest()).Completion).Backup.Path, archive);
        }

        await using var service = await StartAsync(
            hooks => hooks with { StopsOnFailure = true, BeforeRestore = runs ? hooks.BeforeRestore : new Uri(HookListener.Nobody()) },
            restore => File.Copy(archive, $"{restore}/mine.tar.gz"));

        Assert.Equal(!runs, File.Exists($"{service.Restore}/done/mine.tar.gz"));
        Assert.Equal(runs, File.Exists($"{service.Restore}/mine.tar.gz"));
        Assert.Equal(runs ? ["beforeRestore", "afterRestore failed"] : ["afterRestore ok"], application.Told);
        Assert.Equal(runs, service.Manager.Health().Reasons.Any(reason => reason.Code == "restore-waiting" && reason.Message.Contains("did not agree", StringComparison.Ordinal)));
    }

    private Task<Service> StartAsync(Func<HookSettings, HookSettings>? change = null, Action<string>? drop = null)
    {
        var address = new Uri(application.Address);
        var hooks = new HookSettings { BeforeCapture = address, AfterCapture = address, BeforeRestore = address, AfterRestore = address };
        return Service.StartAsync(settings =>
        {
            File.WriteAllText($"{settings.StoragePath}/a.txt", "hello");
            if (drop is not null)
            {
                drop(Directory.CreateDirectory(settings.RestorePath).FullName);
            }

            return settings with { Hooks = change?.Invoke(hooks) ?? hooks };
        });
    }
}
