using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

public sealed class TakeBackupTests
{
    [Fact]
    public async Task A_backup_is_published_whole_with_its_checksum_and_its_label()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        var made = await service.Manager.StartBackup(new CreateRequest { Label = "před migrací 😀" }).Completion;

        Assert.Equal(Outcome.Ok, made.Backup.Outcome);
        Assert.True(made.Backup.IsProven);
        Assert.Equal("před migrací 😀", Assert.Single(service.Manager.List()).Label);
        Assert.Equal(Run("sha256sum", made.Backup.Path)[..64], made.Backup.Sha256);
        Assert.Contains("notes.txt", Run("tar", "tzf", made.Backup.Path), StringComparison.Ordinal);
        Assert.Equal([".backupapi", Path.ChangeExtension(Path.GetFileNameWithoutExtension(made.Backup.Name), null) + ".state.json", made.Backup.Name], Posix.ListNames(service.Backups).Where(n => n != ".staging"));
    }

    [Fact]
    public async Task The_facts_of_a_backup_come_back_from_the_archive_when_everything_beside_it_is_lost()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        var before = (await service.Manager.StartBackup(new CreateRequest { Label = "kept" }).Completion).Backup;
        File.Delete(Path.Combine(service.Backups, before.Name.Replace(".tar.gz", ".state.json", StringComparison.Ordinal)));
        TreeRemoval.Remove(Path.Combine(service.Backups, ".backupapi"));

        var catalog = service.Get<BackupApi.Catalog.BackupCatalog>();
        await catalog.RefreshAsync(CancellationToken.None);
        var after = Assert.Single(catalog.List());
        Assert.Equal((before.Name, before.Label, before.Sequence, before.Outcome, before.Verification, before.IsProven), (after.Name, after.Label, after.Sequence, after.Outcome, after.Verification, after.IsProven));
    }

    [Fact]
    public async Task A_number_is_never_given_twice_although_the_newest_backup_was_removed()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        var first = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        var second = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await service.Manager.StartDelete(second.Name, false).Completion;
        var third = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        Assert.Equal([1, 2, 3], new[] { first.Sequence, second.Sequence, third.Sequence });
    }

    [Fact]
    public async Task Two_backups_in_one_second_do_not_collide()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        for (var i = 0; i < 4; i++)
        {
            await service.Manager.StartBackup(new CreateRequest()).Completion;
        }

        Assert.Equal(4, service.Manager.List().Select(b => b.Name).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Storage_that_is_gone_fails_the_backup_and_rotates_nothing()
    {
        await using var service = await Service.StartAsync(s => s with { MaxBackups = 1 });
        service.Temp.File("storage/notes.txt", "hello"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        TreeRemoval.Remove(service.Storage);
        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartBackup(new CreateRequest()).Completion);
        Assert.Equal(Fault.StorageMissing, failure.Fault);
        Assert.Single(service.Manager.List());
        Assert.False(Directory.Exists(service.Storage));
    }

    [Fact]
    public async Task Storage_that_is_empty_where_the_last_backup_was_not_fails_the_backup()
    {
        await using var service = await Service.StartAsync();
        var file = service.Temp.File("storage/notes.txt", "hello"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        File.Delete(file);
        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartBackup(new CreateRequest()).Completion);
        Assert.Equal(Fault.StorageMissing, failure.Fault);
    }

    [Fact]
    public async Task Storage_that_was_always_empty_is_backed_up()
    {
        await using var service = await Service.StartAsync();
        Assert.Equal(Outcome.Ok, (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup.Outcome);
    }

    [Fact]
    public async Task A_backup_that_cannot_fit_is_refused_with_both_numbers_before_anything_is_written()
    {
        await using var service = await Service.StartAsync(s => s with { MinFreeBytes = 1L << 60 });
        service.Temp.File("storage/notes.txt", "hello"u8);
        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartBackup(new CreateRequest()).Completion);
        Assert.Equal(Fault.NoRoom, failure.Fault);
        Assert.Matches(@"needs about \d+ MB .* \d+ MB are free", failure.Message);
        Assert.Empty(service.Manager.List());
    }

    [Fact]
    public async Task Where_room_is_short_the_oldest_backups_go_first_and_never_the_two_newest_proven_ones()
    {
        using var temp = new TempFolder();
        using var disk = TestMount.Tmpfs(temp["disk"], 60);
        await using var service = await Service.StartAsync(s => s with { BackupsPath = temp["disk/backups"], MaxBackups = 100 });
        var random = new Random(1);
        for (var i = 0; i < 8; i++)
        {
            var content = new byte[8 << 20];
            random.NextBytes(content);
            service.Temp.File("storage/data.bin", content);
            Assert.Equal(Outcome.Ok, (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup.Outcome);
        }

        Assert.Equal(8, service.Manager.List()[0].Sequence);
        Assert.InRange(service.Manager.List().Count, 2, 7);
        Assert.Contains(service.Log.Lines, l => l.Text.Contains("room was needed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_removed_for_a_backup_that_would_not_fit_even_so()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        for (var i = 0; i < 4; i++)
        {
            await service.Manager.StartBackup(new CreateRequest()).Completion;
        }

        service.Get<BackupApi.Operations.ApplyRetention>().MakeRoom(1L << 60);
        Assert.Equal(4, service.Manager.List().Count);
    }

    [Fact]
    public async Task Backups_that_lie_under_storage_do_not_swallow_themselves()
    {
        await using var service = await Service.StartAsync(s => s with { BackupsPath = s.StoragePath + "/backups", RestorePath = s.StoragePath + "/restore" });
        service.Temp.File("storage/notes.txt", "hello"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        var second = await service.Manager.StartBackup(new CreateRequest()).Completion;
        Assert.Equal([".backup/manifest.json", "notes.txt", ".backup/report.json", ".backup/SHA256SUMS"], Run("tar", "tzf", second.Backup.Path).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(n => n is not (".backup/index" or ".backup/locator")));
    }

    [Fact]
    public async Task Rotation_keeps_the_limit_and_removes_only_archives_with_our_manifest()
    {
        await using var service = await Service.StartAsync(s => s with { MaxBackups = 2 });
        service.Temp.File("storage/notes.txt", "hello"u8);
        service.Temp.File("backups/backup_2000-01-01_000000.tar.gz", "not ours"u8);
        await service.Get<BackupApi.Catalog.BackupCatalog>().RefreshAsync(CancellationToken.None);
        for (var i = 0; i < 5; i++)
        {
            await service.Manager.StartBackup(new CreateRequest()).Completion;
        }

        Assert.Equal([5, 4, 0], service.Manager.List().Select(b => b.Sequence));
        Assert.Contains(service.Log.Lines, l => l.Text.StartsWith("Rotation removed backup_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_damaged_database_makes_the_backup_partial_and_pins_the_last_good_copy()
    {
        await using var service = await Service.StartAsync(s => s with { MaxBackups = 2 });
        Fixtures.CopyTo("sqlite/a-clean", service.Storage);
        var good = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        Assert.True(good.IsProven);

        File.Copy(Path.Combine(Fixtures.Of("sqlite/e-index-row-missing"), "data.db"), Path.Combine(service.Storage, "data.db"), overwrite: true);
        for (var i = 0; i < 4; i++)
        {
            var bad = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
            Assert.Equal(Outcome.Partial, bad.Outcome);
            Assert.False(bad.IsProven);
        }

        Assert.Equal(3, service.Manager.List().Count);
        Assert.Contains("data.db", Assert.Single(service.Manager.Get(good.Name).Pins), StringComparison.Ordinal);
        Assert.Contains(service.Manager.Health().Reasons, r => r.Code == "last-backup-partial");

        File.Copy(Path.Combine(Fixtures.Of("sqlite/a-clean"), "data.db"), Path.Combine(service.Storage, "data.db"), overwrite: true);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        Assert.DoesNotContain(service.Manager.List(), b => b.Name == good.Name || b.Pins.Count > 0);
    }

    [Fact]
    public async Task An_archive_that_somebody_copies_into_the_folder_is_known_and_one_taken_away_is_forgotten()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        var made = (await service.Manager.StartBackup(new CreateRequest { Label = "here" }).Completion).Backup;
        var copy = Path.Combine(service.Backups, "from-elsewhere.tar.gz");
        File.Copy(made.Path, copy);
        await service.Manager.RefreshAsync(CancellationToken.None);
        Assert.Equal("here", service.Manager.Get("from-elsewhere.tar.gz").Label);

        File.Delete(copy);
        await service.Manager.RefreshAsync(CancellationToken.None);
        Assert.Equal(made.Name, Assert.Single(service.Manager.List()).Name);
    }

    [Fact]
    public async Task What_a_kill_left_is_removed_at_the_next_start_and_said()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("backups/backup_2026-01-01_000000.tar.gz.partial", "half"u8);
        service.Temp.File("backups/.staging/old/copy", "half"u8);
        await service.Get<BackupApi.Operations.StartUp>().PrepareAsync(CancellationToken.None);
        Assert.DoesNotContain(Posix.ListNames(service.Backups), n => n.EndsWith(".partial", StringComparison.Ordinal) || n == ".staging");
        Assert.Contains(service.Log.Lines, l => l.Text.Contains("backup_2026-01-01_000000.tar.gz.partial", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Half_an_archive_that_the_disk_did_not_let_go_is_in_no_other_backups_way()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        var now = TimeProvider.System.GetUtcNow();
        for (var second = 0; second < 30; second++)
        {
            service.Temp.File($"backups/{BackupName.Next(now.AddSeconds(second), static _ => false)}.partial", "half"u8);
        }

        Assert.True((await service.Manager.StartBackup(new CreateRequest()).Completion).Backup.IsProven);
    }

    [Fact]
    public async Task An_archive_that_was_cut_is_found_out_by_verification_and_never_counts_again()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", new byte[100_000]);
        var made = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        File.WriteAllBytes(made.Path, File.ReadAllBytes(made.Path)[..^200]);
        var result = await service.Manager.StartVerify(made.Name).Completion;
        Assert.False(result.IsWhole);
        Assert.False(service.Manager.Get(made.Name).IsProven);
        Assert.NotNull(service.Manager.Get(made.Name).Damage);
    }

    [Fact]
    public async Task The_only_proven_backup_is_removed_only_by_force()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/notes.txt", "hello"u8);
        var made = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        Assert.Equal(Fault.Protected, (await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartDelete(made.Name, false).Completion)).Fault);
        await service.Manager.StartDelete(made.Name, true).Completion;
        Assert.Empty(service.Manager.List());
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
