using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using BackupApi.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BackupApi.Tests.Operations;

public sealed class IntegrityTests
{
    private readonly ManualClock clock = new(new DateTimeOffset(2027, 3, 1, 12, 0, 0, TimeSpan.Zero));

    private Task<Service> StartAsync(Func<ServiceSettings, ServiceSettings>? change = null) =>
        Service.StartAsync(change, services => services.AddSingleton<TimeProvider>(clock));

    private static async Task<Backup> BackUpAsync(Service service)
    {
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        return backup;
    }

    private static void MakeDatabase(Service service)
    {
        using var shell = SqliteShell.Open(service.Storage + "/shop.db");
        shell.Run("create table t(x); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select hex(randomblob(20)) from n;");
    }

    [Fact]
    public async Task A_drill_raises_the_level_tells_its_time_and_leaves_nothing_behind()
    {
        await using var service = await StartAsync();
        MakeDatabase(service);
        var before = TreeImage.Of(service.Storage);
        var backup = await BackUpAsync(service);

        var drill = await service.Manager.StartDrill(backup.Name).Completion;

        Assert.Equal((backup.Name, Outcome.Ok), (drill.Backup, drill.Outcome));
        Assert.Equal(VerificationLevel.Drill, service.Manager.Get(backup.Name).Verification);
        Assert.Equal(drill, service.Get<WatchHealth>().Refresh().LastDrill);
        Assert.Equal(before, TreeImage.Of(service.Storage));
        Assert.Empty(Posix.ListNames(service.Backups + "/.staging"));
    }

    [Fact, Provokes("drill-failed")]
    public async Task A_drill_of_a_backup_that_rotted_fails_and_health_says_so_until_another_succeeds()
    {
        await using var service = await StartAsync();
        MakeDatabase(service);
        var backup = await BackUpAsync(service);
        var bytes = await File.ReadAllBytesAsync(backup.Path);
        bytes[bytes.Length / 2] ^= 0x10;
        await File.WriteAllBytesAsync(backup.Path, bytes);

        await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartDrill(backup.Name).Completion);
        Assert.Contains(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "drill-failed" && r.Severity == HealthStatus.Unhealthy);

        service.Temp.File("storage/more.txt", "more"u8);
        var better = await BackUpAsync(service);
        await service.Manager.StartDrill(better.Name).Completion;
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "drill-failed");
    }

    [Fact]
    public async Task The_watch_checks_databases_rehearses_and_reads_old_backups_each_in_its_time()
    {
        await using var service = await StartAsync();
        MakeDatabase(service);
        var backup = await BackUpAsync(service);
        using var watch = new IntegrityWatch(service.Manager, service.Get<DecideIntegrity>(), clock, NullLogger<BackupManager>.Instance);
        await watch.StartAsync(CancellationToken.None);
        async Task<bool> DidAsync(OperationKind kind, int times)
        {
            for (var minute = 0; minute < 100; minute++)
            {
                clock.Advance(TimeSpan.FromMinutes(1));
                await Task.Delay(50);
                if (service.Manager.Operations().Count(o => o.Kind == kind && o.State == OperationState.Ended) == times)
                {
                    return true;
                }
            }

            return false;
        }

        var due = service.Get<DecideIntegrity>();
        Assert.True(await DidAsync(OperationKind.VerifyDatabases, 1));
        Assert.True(await DidAsync(OperationKind.Drill, 1));
        Assert.Null(due.Next());

        clock.Advance(TimeSpan.FromHours(6));
        Assert.True(await DidAsync(OperationKind.VerifyDatabases, 2));
        Assert.Null(due.Next());

        await watch.StopAsync(CancellationToken.None);
        clock.Advance(TimeSpan.FromDays(7));
        await service.Manager.StartVerifyDatabases(null).Completion;
        Assert.Equal(new IntegrityTask(OperationKind.Drill, service.Manager.Get(backup.Name)), due.Next());
    }

    [Fact]
    public async Task A_backup_unread_for_a_month_is_next_the_longest_unread_first()
    {
        await using var service = await StartAsync(settings => settings with { CheckDatabasesEvery = TimeSpan.Zero, DrillEvery = TimeSpan.Zero });
        service.Temp.File("storage/a.txt", "a"u8);
        var first = await BackUpAsync(service);
        clock.Advance(TimeSpan.FromDays(2));
        service.Temp.File("storage/a.txt", "b"u8);
        await BackUpAsync(service);
        Assert.Null(service.Get<DecideIntegrity>().Next());

        clock.Advance(TimeSpan.FromDays(23));
        Assert.Equal((OperationKind.Verify, first.Name), (service.Get<DecideIntegrity>().Next()!.Kind, service.Get<DecideIntegrity>().Next()!.Backup!.Name));
        await service.Manager.StartVerify(first.Name).Completion;
        Assert.Null(service.Get<DecideIntegrity>().Next());
        Assert.Equal(clock.GetUtcNow(), service.Get<BackupCatalog>().Find(first.Name)!.VerifiedAt);
    }

    [Fact, Provokes("backup-damaged")]
    public async Task A_damaged_backup_is_told_until_it_is_removed()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        var old = await BackUpAsync(service);
        service.Temp.File("storage/a.txt", "b"u8);
        await BackUpAsync(service);
        var bytes = await File.ReadAllBytesAsync(old.Path);
        bytes[^200] ^= 0x10;
        await File.WriteAllBytesAsync(old.Path, bytes);

        await service.Manager.StartVerify(old.Name).Completion;
        Assert.Contains(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "backup-damaged");

        await service.Manager.StartDelete(old.Name, force: true).Completion;
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "backup-damaged");
    }
}
