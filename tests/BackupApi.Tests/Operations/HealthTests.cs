using BackupApi.Catalog;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Each reason is provoked by a real cause, over real folders, and goes when the cause goes.</summary>
public sealed class HealthTests
{
    private static readonly DateTimeOffset Start = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ManualClock clock = new(Start);

    private Task<Service> StartAsync(Func<ServiceSettings, ServiceSettings>? change = null) =>
        Service.StartAsync(change, services => services.AddSingleton<TimeProvider>(clock));

    private static string[] Codes(Service service) => [.. service.Get<WatchHealth>().Refresh().Reasons.Select(r => r.Code)];

    private static async Task<Backup> BackUpAsync(Service service)
    {
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        return backup;
    }

    [Fact]
    public async Task Without_a_backup_health_waits_for_the_first_one_until_it_had_its_chance()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        Assert.Equal(["no-backup-yet"], Codes(service));
        Assert.Equal(HealthStatus.Degraded, service.Manager.Health().Status);

        clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Contains("no-proven-backup", Codes(service), StringComparer.Ordinal);
        Assert.Equal(HealthStatus.Unhealthy, service.Manager.Health().Status);

        await BackUpAsync(service);
        Assert.Empty(Codes(service));
        Assert.Equal(HealthStatus.Healthy, service.Manager.Health().Status);
    }

    [Fact]
    public async Task A_run_that_was_not_begun_is_overdue_at_once_and_its_backups_too_old_after_two()
    {
        // No scheduler runs here at all: the watchdog must not depend on it.
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        await BackUpAsync(service);

        clock.Advance(TimeSpan.FromMinutes(64));
        Assert.Empty(Codes(service));
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["overdue"], Codes(service));
        Assert.Equal(Start.AddHours(1), service.Manager.Health().Reasons[0].Since);
        clock.Advance(TimeSpan.FromMinutes(55));
        Assert.Equal(["proven-backup-too-old", "overdue"], Codes(service));
        Assert.Equal(HealthStatus.Unhealthy, service.Manager.Health().Status);

        await BackUpAsync(service);
        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task While_paused_or_switched_off_nothing_is_overdue()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        await BackUpAsync(service);

        service.Manager.ChangeSchedule(plan => plan with { Paused = true });
        clock.Advance(TimeSpan.FromDays(3));
        Assert.Equal(["schedule-paused"], Codes(service));

        service.Manager.ChangeSchedule(plan => plan with { Paused = false, Enabled = false });
        Assert.Empty(Codes(service));

        service.Manager.ChangeSchedule(plan => plan with { Enabled = true });
        Assert.Equal(["proven-backup-too-old"], Codes(service));
        await BackUpAsync(service);
        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task A_storage_that_is_gone_is_told_and_so_is_the_backup_that_failed_of_it()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        await BackUpAsync(service);

        Directory.Move(service.Storage, service.Storage + ".away");
        Assert.Equal(["storage-missing"], Codes(service));
        await Assert.ThrowsAsync<BackupException>(() => BackUpAsync(service));
        Assert.Equal(["storage-missing", "last-backup-failed"], Codes(service));

        Directory.Move(service.Storage + ".away", service.Storage);
        Assert.Equal(["last-backup-failed"], Codes(service));
        await BackUpAsync(service);
        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task A_backups_folder_that_became_read_only_is_told_until_it_can_be_written_again()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        await BackUpAsync(service);

        using (TestMount.Bind(service.Backups, service.Backups))
        {
            TestMount.Run("mount", "-o", "remount,bind,ro", service.Backups);
            Assert.Equal(["backups-not-writable"], Codes(service));
        }

        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task A_disk_that_fills_is_told_in_three_steps_and_no_longer_once_room_is_made()
    {
        const long Megabyte = 1 << 20;
        await using var service = await StartAsync(settings =>
        {
            TestMount.Tmpfs(settings.BackupsPath, 64);
            return settings with { MinFreeBytes = 10 * Megabyte, Health = new HealthThresholds { LowRoomBytes = 40 * Megabyte, VeryLowRoomBytes = 25 * Megabyte } };
        });
        try
        {
            service.Temp.File("storage/a.txt", "a"u8);
            await BackUpAsync(service);
            string[] WithFilled(int megabytes)
            {
                File.WriteAllBytes($"{service.Backups}/filler", new byte[megabytes * Megabyte]);
                return [.. Codes(service).Except(["disk-low:storage"], StringComparer.Ordinal)];
            }

            Assert.Empty(WithFilled(10));
            Assert.Equal(["disk-low"], WithFilled(30));
            Assert.Equal(["disk-very-low"], WithFilled(45));
            Assert.Equal(["disk-full"], WithFilled(60));
            Assert.Equal(HealthStatus.Unhealthy, service.Manager.Health().Status);
            File.Delete($"{service.Backups}/filler");
            Assert.Empty(Codes(service));
        }
        finally
        {
            TestMount.Run("umount", "-l", service.Backups);
        }
    }

    [Fact]
    public async Task A_damaged_live_database_is_told_with_its_last_good_backup_until_it_is_whole_again()
    {
        await using var service = await StartAsync();
        var path = service.Storage + "/shop.db";
        using (var shell = SqliteShell.Open(path))
        {
            shell.Run("create table t(x); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select hex(randomblob(20)) from n;");
        }

        var good = await BackUpAsync(service);
        Assert.Empty(Codes(service));
        var whole = await File.ReadAllBytesAsync(path);
        var damaged = whole.ToArray();
        damaged.AsSpan(4096 * 3, 2000).Fill(0xEE);
        await File.WriteAllBytesAsync(path, damaged);

        await BackUpAsync(service);
        Assert.Equal(["database-damaged", "read-only", "last-backup-partial"], Codes(service));
        Assert.Contains(good.Name, service.Manager.Health().Reasons[0].Hint, StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromMinutes(121));
        await BackUpAsync(service);
        Assert.Equal(["proven-backup-too-old", "database-damaged", "database-backup-too-old", "read-only", "last-backup-partial"], Codes(service));

        await File.WriteAllBytesAsync(path, whole);
        await BackUpAsync(service);
        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task A_write_ahead_log_that_its_owner_never_brings_in_is_told_until_he_does()
    {
        await using var service = await StartAsync(settings => settings with { Health = new HealthThresholds { LargeLogBytes = 1 << 20 } });
        using var owner = SqliteShell.Open(service.Storage + "/shop.db");
        owner.Run("pragma journal_mode=wal; pragma wal_autocheckpoint=0; create table t(x);");
        await BackUpAsync(service);
        Assert.Empty(Codes(service));

        owner.Run("insert into t select randomblob(2000000);");
        Assert.Empty(Codes(service));
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(Codes(service));
        owner.Run("insert into t select randomblob(2000000);");
        Assert.Equal(["log-not-checkpointed"], Codes(service));

        // The file keeps its size after this; what counts is that its frames belong to an older generation.
        owner.Run("pragma wal_checkpoint(restart); insert into t values(1);");
        Assert.True(new FileInfo(service.Storage + "/shop.db-wal").Length > 4_000_000);
        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task A_clock_that_was_set_is_told_until_a_backup_is_proven_after_it()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        await BackUpAsync(service);

        clock.Jump(TimeSpan.FromMinutes(-30));
        Assert.Equal(["clock-jumped", "archive-from-the-future"], Codes(service));

        service.Temp.File("storage/a.txt", "b"u8);
        await BackUpAsync(service);
        Assert.Equal(["archive-from-the-future"], Codes(service));
        clock.Advance(TimeSpan.FromMinutes(30));
        Assert.Empty(Codes(service));
    }

    [Fact]
    public async Task An_archive_over_the_largest_size_is_told_until_a_smaller_one_takes_its_place()
    {
        await using var service = await StartAsync(settings => settings with { AlarmDropPercent = 100, Retention = new RetentionRules { MaxArchiveBytes = 100_000 } });
        service.Temp.File("storage/a.bin", System.Security.Cryptography.RandomNumberGenerator.GetBytes(200_000));
        await BackUpAsync(service);
        Assert.Equal(["archive-too-large"], Codes(service));

        service.Temp.File("storage/a.bin", "small"u8);
        await BackUpAsync(service);
        Assert.Empty(Codes(service));
        Assert.Single(service.Get<BackupCatalog>().List());
    }

    [Fact]
    public void A_live_SQLite_on_a_network_file_system_is_told()
    {
        var facts = new HealthFacts
        {
            Now = Start,
            StartedAt = Start,
            Timetable = null,
            StorageExists = true,
            BackupsWritable = true,
            MinFreeBytes = 0,
            Disks = [],
            Backups = [],
            OnNetwork = [new Finding("shop.db", "nfs")],
        };

        Assert.Equal("database-on-network", Assert.Single(HealthRules.Judge(facts)).Code);
    }
}
