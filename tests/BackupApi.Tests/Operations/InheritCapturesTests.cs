using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text.Json;
using BackupApi.Archive;
using BackupApi.Catalog;
using BackupApi.Http.Answers;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Nothing that did not change is read twice; and nothing that changed is ever taken for unchanged.</summary>
public sealed class InheritCapturesTests
{
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task An_unchanged_database_is_carried_over_with_its_verdict_and_says_so()
    {
        await using var service = await StartAsync(out var clock);
        var first = await CreateAsync(service);
        clock.Advance(Settled);
        var second = await CreateAsync(service);

        var source = second.Backup.Sources.Single(s => s.Name == "data.db");
        Assert.Equal((first.Backup.Name, VerificationLevel.Engine, 561L), (source.InheritedFrom, source.Verification, source.Total));
        Assert.True(second.Backup.IsProven);
        Assert.Equal(0, second.BytesCompressed);
        Assert.Empty((await service.Get<ArchiveReader>().VerifyAsync(second.Backup.Path, ArchiveLimits.None, new Progress(), CancellationToken.None)).Errors);
        Assert.Equal(Content(first.Backup), Content(second.Backup));
    }

    [Fact]
    public async Task A_database_that_changed_meanwhile_is_captured_anew()
    {
        await using var service = await StartAsync(out var clock);
        await CreateAsync(service);
        clock.Advance(Settled);
        Sqlite(service, "INSERT INTO tag SELECT 'new', 1 WHERE 0; UPDATE customer SET rowid = rowid; DELETE FROM blobs WHERE rowid IN (SELECT rowid FROM blobs LIMIT 1)");
        var second = await CreateAsync(service);
        var source = second.Backup.Sources.Single(s => s.Name == "data.db");
        Assert.Null(source.InheritedFrom);
        Assert.Equal(560, source.Total);
    }

    [Fact]
    public async Task A_database_that_changed_within_the_last_minute_is_captured_whatever_its_time_stamps_say()
    {
        await using var service = await StartAsync(out var clock, ageOfFiles: TimeSpan.Zero);
        await CreateAsync(service);
        var second = await CreateAsync(service);
        Assert.Null(second.Backup.Sources.Single(s => s.Name == "data.db").InheritedFrom);
        clock.Advance(Settled);
        Assert.Null((await CreateAsync(service)).Backup.Sources.Single(s => s.Name == "data.db").InheritedFrom);
        clock.Advance(Settled);
        Assert.NotNull((await CreateAsync(service)).Backup.Sources.Single(s => s.Name == "data.db").InheritedFrom);
    }

    [Fact]
    public async Task A_check_of_the_live_databases_reads_what_a_backup_would_take_for_unchanged()
    {
        await using var service = await StartAsync(out var clock);
        using var file = MemoryMappedFile.CreateFromFile(Path.Combine(service.Storage, "data.db"));
        using var bytes = file.CreateViewAccessor();
        bytes.Write(100, bytes.ReadByte(100));
        await CreateAsync(service);
        clock.Advance(Settled);

        // A store to a page that is dirty already changes the content and, as long as the page is not written back, no time of the file.
        bytes.Write(100, (byte)0);
        var live = await service.Manager.StartVerifyDatabases(null).Completion;

        Assert.False(live.AreWhole);
        Assert.NotEmpty(Assert.Single(live.Databases).Errors);
    }

    [Fact]
    public async Task A_last_archive_that_has_rotted_is_no_reference_and_the_new_one_is_whole()
    {
        await using var service = await StartAsync(out var clock);
        var first = await CreateAsync(service);
        clock.Advance(Settled);
        var bytes = File.ReadAllBytes(first.Backup.Path);
        var modified = File.GetLastWriteTimeUtc(first.Backup.Path);
        for (var i = bytes.Length / 4; i < bytes.Length * 3 / 4; i += 500)
        {
            bytes[i] ^= 0x40;
        }

        File.WriteAllBytes(first.Backup.Path, bytes);
        File.SetLastWriteTimeUtc(first.Backup.Path, modified);
        var second = await CreateAsync(service);
        Assert.True(second.Backup.IsProven);
        Assert.Empty((await service.Get<ArchiveReader>().VerifyAsync(second.Backup.Path, ArchiveLimits.None, new Progress(), CancellationToken.None)).Errors);
    }

    [Fact]
    public async Task A_scheduled_run_that_finds_nothing_changed_confirms_the_last_backup_and_a_manual_one_writes()
    {
        await using var service = await StartAsync(out var clock);
        var first = await CreateAsync(service);
        clock.Advance(Settled);
        var scheduled = await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;
        Assert.True(scheduled.Confirmed);
        Assert.Equal(first.Backup.Name, Assert.Single(service.Manager.List()).Name);
        Assert.Equal(clock.GetUtcNow(), service.Manager.Get(first.Backup.Name).ConfirmedAt);
        Assert.False((await CreateAsync(service)).Confirmed);
        Assert.Equal(2, service.Manager.List().Count);
    }

    [Fact]
    public async Task A_confirmation_is_logged_counts_as_fresh_and_is_shown_in_list_and_health()
    {
        await using var service = await StartAsync(out var clock);
        var first = await CreateAsync(service);
        clock.Advance(TimeSpan.FromHours(4));
        Assert.Contains(service.Get<WatchHealth>().Refresh().Reasons, reason => reason.Code == "proven-backup-too-old");

        await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;

        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        Assert.Contains(service.Log.Lines, line => line.Text.Contains("nothing changed since: confirmed", StringComparison.Ordinal));
        var report = service.Get<WatchHealth>().Refresh();
        Assert.DoesNotContain(report.Reasons, reason => reason.Code == "proven-backup-too-old");
        var health = JsonSerializer.SerializeToElement(HealthAnswer.Of(report, "1"), Json.Options).GetProperty("backup");
        Assert.Equal(first.Backup.Name, health.GetProperty("latestProven").GetString());
        Assert.Equal(clock.GetUtcNow(), health.GetProperty("confirmedAt").GetDateTimeOffset());
        Assert.Equal(clock.GetUtcNow(), Assert.Single(ListAnswer.Of(service.Manager.List()).Backups).ConfirmedAt);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_backup_whose_archive_is_gone_or_was_cut_is_not_confirmed(bool isGone)
    {
        await using var service = await StartAsync(out var clock);
        var first = await CreateAsync(service);
        clock.Advance(Settled);
        using (var file = new FileStream(first.Backup.Path, FileMode.Open))
        {
            file.SetLength(file.Length - 3000);
        }

        if (isGone)
        {
            File.Delete(first.Backup.Path);
        }

        var scheduled = await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;
        Assert.False(scheduled.Confirmed);
        Assert.True(scheduled.Backup.IsProven);
        Assert.Equal([scheduled.Backup.Name], service.Manager.List().Where(backup => backup.IsProven).Select(backup => backup.Name));
        Assert.Empty((await service.Get<ArchiveReader>().VerifyAsync(scheduled.Backup.Path, ArchiveLimits.None, new Progress(), CancellationToken.None)).Errors);
    }

    [Fact]
    public async Task By_the_setting_a_run_that_finds_nothing_changed_writes_all_the_same()
    {
        var clock = new ManualClock(TimeProvider.System.GetUtcNow() + Settled);
        await using var service = await Service.StartAsync(settings => settings with { AlwaysWrite = true }, services => services.AddSingleton<TimeProvider>(clock));
        service.Temp.File("storage/notes.txt", "notes"u8);
        await CreateAsync(service);
        clock.Advance(Settled);
        Assert.False((await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion).Confirmed);
        Assert.Equal(2, service.Manager.List().Count);
    }

    [Fact]
    public async Task What_lies_on_a_mount_in_memory_inside_storage_is_never_taken_for_unchanged()
    {
        await using var service = await StartAsync(out var clock);
        using var memory = TestMount.Tmpfs(Path.Combine(service.Storage, "memory"), 8);
        Fixtures.CopyTo("sqlite/a-clean", Path.Combine(service.Storage, "memory"));
        await CreateAsync(service);
        clock.Advance(Settled);
        Assert.False((await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion).Confirmed);
        clock.Advance(Settled);
        var sources = (await CreateAsync(service)).Backup.Sources;
        Assert.NotNull(sources.Single(s => s.Name == "data.db").InheritedFrom);
        Assert.Null(sources.Single(s => s.Name == "memory/data.db").InheritedFrom);
    }

    [Fact]
    public async Task A_database_that_was_captured_within_a_minute_of_its_change_is_not_confirmed_however_long_the_writing_took()
    {
        await using var service = await StartAsync(out var clock);
        var first = await CreateAsync(service);
        var soon = clock.GetUtcNow() - Settled + TimeSpan.FromSeconds(30);
        Assert.Equal(first.Backup.CreatedAt, first.Backup.WalkedAt);
        service.Get<BackupCatalog>().Record(first.Backup.Name, state => state with { WalkedAt = soon });
        clock.Advance(Settled);
        Assert.False((await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion).Confirmed);
    }

    [Fact]
    public async Task After_a_week_everything_is_read_again()
    {
        await using var service = await StartAsync(out var clock);
        await CreateAsync(service);
        clock.Advance(TimeSpan.FromDays(8));
        var weekly = await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;
        Assert.False(weekly.Confirmed);
        Assert.Null(weekly.Backup.Sources.Single(s => s.Name == "data.db").InheritedFrom);
        Assert.True(weekly.BytesRead >= weekly.Backup.ContentBytes);
    }

    private static Task<Service> StartAsync(out ManualClock clock, TimeSpan? ageOfFiles = null)
    {
        // Storage is filled before the clock's now, so that its time stamps are settled unless asked otherwise.
        var started = new ManualClock(TimeProvider.System.GetUtcNow() + (ageOfFiles ?? Settled));
        clock = started;
        return FilledAsync(started);
    }

    private static async Task<Service> FilledAsync(ManualClock clock)
    {
        var service = await Service.StartAsync(replace: services => services.AddSingleton<TimeProvider>(clock));
        Fixtures.CopyTo("sqlite/a-clean", service.Storage);
        service.Temp.File("storage/notes.txt", new byte[200_000]);
        return service;
    }

    private static Task<CreateResult> CreateAsync(Service service) => service.Manager.StartBackup(new CreateRequest()).Completion;

    private static void Sqlite(Service service, string sql)
    {
        using var shell = Process.Start("sqlite3", [Path.Combine(service.Storage, "data.db"), sql]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    private static string Content(Backup backup)
    {
        using var tar = Process.Start(new ProcessStartInfo("tar", ["xzOf", backup.Path, ".backup/SHA256SUMS"]) { RedirectStandardOutput = true })!;
        return tar.StandardOutput.ReadToEnd();
    }
}
