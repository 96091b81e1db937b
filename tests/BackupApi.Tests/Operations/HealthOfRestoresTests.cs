using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using BackupApi.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>The reasons that a start, the restore folder and the place of storage give; each life of the service is a new one over the same folders.</summary>
public sealed class HealthOfRestoresTests : IDisposable
{
    private readonly TempFolder temp = new();

    public HealthOfRestoresTests()
    {
        temp.File("storage/a.txt", "a"u8);
        Shell.Run(temp["storage"], "sqlite3 shop.db 'create table t(x); insert into t values(1),(2)'");
    }

    public void Dispose() => temp.Dispose();

    private async Task<ServiceProvider> StartAsync(HealMode heal = HealMode.On)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        services.AddOperations(
            new ServiceSettings
            {
                StoragePath = temp["storage"],
                BackupsPath = temp["backups"],
                RestorePath = temp["restore"],
                MinFreeBytes = 1,
                Health = new HealthThresholds { LowRoomBytes = 1, VeryLowRoomBytes = 1 },
                AutoBackupEnabled = false,
                Heal = heal,
                DropPatience = TimeSpan.FromMilliseconds(200),
                DropPollInterval = TimeSpan.FromMilliseconds(50),
            },
            new LiteDbSettings());
        var provider = services.BuildServiceProvider();
        provider.GetRequiredService<StartUp>().TakeFolders();
        await provider.GetRequiredService<StartUp>().PrepareAsync(CancellationToken.None);
        provider.GetRequiredService<BackupManager>().OpenDoor();
        return provider;
    }

    private static string[] Codes(ServiceProvider service) => [.. service.GetRequiredService<WatchHealth>().Refresh().Reasons.Select(r => r.Code)];

    private static async Task UntilAsync(ServiceProvider service, params string[] codes)
    {
        for (var i = 0; i < 1500 && !Codes(service).SequenceEqual(codes, StringComparer.Ordinal); i++)
        {
            await Task.Delay(20);
        }

        Assert.Equal(codes, Codes(service));
    }

    private static async Task<Backup> BackUpAsync(ServiceProvider service)
    {
        var backup = (await service.GetRequiredService<BackupManager>().StartBackup(new CreateRequest()).Completion).Backup;
        await service.GetRequiredService<OperationGate>().DrainAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        return backup;
    }

    [Fact, Provokes("restore-waiting")]
    public async Task An_archive_dropped_while_the_service_runs_waits_and_is_told_until_it_is_taken_away()
    {
        await using var service = await StartAsync();
        var backup = await BackUpAsync(service);
        using var watch = ActivatorUtilities.CreateInstance<RestoreFolderWatch>(service);
        await watch.StartAsync(CancellationToken.None);
        await UntilAsync(service);

        File.Copy(backup.Path, temp["restore/mine.tar.gz"]);
        await UntilAsync(service, "restore-waiting");
        File.Delete(temp["restore/mine.tar.gz"]);
        await UntilAsync(service);
        await watch.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task What_the_disk_refused_at_a_start_is_still_told_after_the_folder_was_looked_at_again()
    {
        Backup backup;
        await using (var first = await StartAsync())
        {
            backup = await BackUpAsync(first);
        }

        File.Copy(backup.Path, temp["restore/mine.tar.gz"]);
        Shell.Run(temp["storage"], "echo later > a.txt; chattr +i a.txt");
        try
        {
            await using var service = await StartAsync();
            using var watch = ActivatorUtilities.CreateInstance<RestoreFolderWatch>(service);
            await watch.StartAsync(CancellationToken.None);
            for (var i = 0; i < 1500 && !Told(service).Contains("It is whole", StringComparison.Ordinal); i++)
            {
                await Task.Delay(20);
            }

            Assert.Contains("It is whole", Told(service), StringComparison.Ordinal);
            Assert.Contains("a.txt", Told(service), StringComparison.Ordinal);
            await watch.StopAsync(CancellationToken.None);
        }
        finally
        {
            Shell.Run(temp["storage"], "chattr -i a.txt");
        }

        static string Told(ServiceProvider service) => string.Join(' ', service.GetRequiredService<WatchHealth>().Refresh().Reasons.Where(r => r.Code == "restore-waiting").Select(r => r.Message));
    }

    [Fact]
    public async Task A_restore_that_waits_for_the_next_start_is_told_until_a_later_one_calls_it_off()
    {
        await using var service = await StartAsync();
        var backup = await BackUpAsync(service);
        File.WriteAllText(temp["storage/a.txt"], "later");
        using (await HolderProcess.StartAsync(temp["storage/a.txt"], "held = open(path, 'r+b')"))
        {
            Assert.False((await service.GetRequiredService<BackupManager>().StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion).Applied);
            await service.GetRequiredService<OperationGate>().DrainAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        }

        await UntilAsync(service, "restore-waiting");
        Assert.True((await service.GetRequiredService<BackupManager>().StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion).Applied);
        await UntilAsync(service);
    }

    [Fact, Provokes("restore-failed")]
    public async Task An_archive_that_could_not_be_restored_at_a_start_is_told_until_it_is_removed()
    {
        temp.File("restore/bad.tar.gz", "no archive at all"u8);
        await using var service = await StartAsync();
        using var watch = ActivatorUtilities.CreateInstance<RestoreFolderWatch>(service);
        await watch.StartAsync(CancellationToken.None);

        await UntilAsync(service, "restore-failed");
        Directory.Delete(temp["restore/failed"], recursive: true);
        await UntilAsync(service);
        await watch.StopAsync(CancellationToken.None);
    }

    [Fact, Provokes("read-only")]
    public async Task A_journal_that_cannot_be_resolved_is_told_until_a_restore_by_name_succeeds()
    {
        Backup backup;
        await using (var first = await StartAsync())
        {
            backup = await BackUpAsync(first);
        }

        // A swap past its commit point whose plan was altered since: neither way can be trusted.
        var folder = SwapFolder.Create(temp["storage"], "1");
        folder.WritePlan(new SwapPlan { Steps = [], RootModified = Posix.Stat(temp["storage"]).Modified, CanExchange = false });
        folder.WriteState(SwapState.Commit);
        File.AppendAllText($"{folder.Path}/plan.json", " ");

        await using var service = await StartAsync();
        await UntilAsync(service, "read-only");
        Assert.Equal(HealthStatus.Unhealthy, service.GetRequiredService<BackupManager>().Health().Status);

        folder.Remove();
        await service.GetRequiredService<BackupManager>().StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion;
        await UntilAsync(service);
    }

    [Fact, Provokes("database-undecided")]
    public async Task A_missing_database_that_is_left_to_a_person_is_told_until_a_backup_holds_it_again()
    {
        await using (var first = await StartAsync())
        {
            await BackUpAsync(first);
        }

        Posix.Rename(temp["storage/shop.db"], temp["shop.db"]);
        await using var service = await StartAsync(HealMode.Report);
        await UntilAsync(service, "database-undecided");

        Posix.Rename(temp["shop.db"], temp["storage/shop.db"]);
        await BackUpAsync(service);
        await UntilAsync(service);
    }

    [Fact, Provokes("database-on-network")]
    public async Task A_live_SQLite_on_a_file_system_without_locks_is_told_until_it_lies_elsewhere()
    {
        await using var service = await StartAsync();
        await BackUpAsync(service);
        await UntilAsync(service);

        using (await FuseFolder.MountAsync(temp["storage"]))
        {
            await UntilAsync(service, "database-on-network");
        }

        await UntilAsync(service);
    }
}
