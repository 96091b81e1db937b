using System.Text;
using BackupApi.Archive.Encryption;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Archive.Encryption;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>With a passphrase everything works as without, nothing lies about in the clear, and a lost passphrase loses nothing else.</summary>
public sealed class EncryptedBackupsTests : IDisposable
{
    private const string Secret = "the secret of the storage";
    private const string SecretName = "list-of-patients";

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task Whatever_is_done_nothing_of_the_content_lies_in_the_backups_folder_in_the_clear()
    {
        await using var service = await StartAsync();
        MakeStorage(service.Storage);
        var first = await BackUpAsync(service);
        Assert.EndsWith(".tar.gz.age", first.Name, StringComparison.Ordinal);
        Assert.True(first is { IsProven: true, IsOurs: true, IsEncrypted: true, Outcome: Outcome.Ok });
        AssertNothingInTheClear(service);

        await File.AppendAllTextAsync($"{service.Storage}/{SecretName}.txt", Secret);
        var second = await BackUpAsync(service);
        Assert.True((await service.Manager.StartVerify(second.Name).Completion).IsWhole);
        Assert.Equal(Outcome.Ok, (await service.Manager.StartDrill(second.Name).Completion).Outcome);
        AssertNothingInTheClear(service);

        var restored = await service.Manager.StartRestore(new RestoreRequest { BackupName = first.Name }).Completion;
        Assert.True(restored.Applied);
        Assert.EndsWith(".age", restored.SafetyBackup, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret + Secret, await File.ReadAllTextAsync($"{service.Storage}/{SecretName}.txt"), StringComparison.Ordinal);
        AssertNothingInTheClear(service);

        Assert.True((await service.Manager.StartUndo(force: false).Completion).Applied);
        Assert.Contains(Secret + Secret, await File.ReadAllTextAsync($"{service.Storage}/{SecretName}.txt"), StringComparison.Ordinal);
        AssertNothingInTheClear(service);

        using var one = new MemoryStream();
        await service.Manager.CopyFileAsync(first.Name, $"{SecretName}.txt", one, CancellationToken.None);
        Assert.Equal(Secret, Encoding.UTF8.GetString(one.ToArray()));
        await service.Manager.StartDelete(first.Name, force: false).Completion;
        Assert.Single(service.Manager.List(), backup => backup.Name == second.Name);
    }

    [Fact]
    public async Task What_is_known_of_it_is_known_again_after_a_restart_from_the_archive_itself()
    {
        using var world = World();
        MakeStorage(world.Storage);
        var backup = await world.BackUpAsync();
        world.Get<BackupCatalog>().Record(backup.Name, state => state with { Pins = ["kept"] });
        var state = await File.ReadAllTextAsync(Directory.GetFiles(world.Settings.BackupsPath, "*.state.json").Single());
        Assert.DoesNotContain("shop.db", state, StringComparison.Ordinal);
        Assert.Contains(backup.Sha256!, state, StringComparison.Ordinal);

        using var again = World();
        var known = await FindAsync(again, backup.Name);
        Assert.True(known is { IsProven: true, IsLocked: false });
        Assert.Equal(backup.Sources.Select(source => source.Name), known.Sources.Select(source => source.Name));
        Assert.Equal((backup.Sha256, "kept"), (known.Sha256, Assert.Single(known.Pins)));
        var next = await again.BackUpAsync();
        Assert.Equal(backup.Sequence + 1, next.Sequence);
    }

    [Fact, Provokes("archives-locked")]
    public async Task With_another_passphrase_it_stays_closed_and_stays_there_and_a_further_line_opens_it()
    {
        string old;
        using (var world = World())
        {
            MakeStorage(world.Storage);
            old = (await world.BackUpAsync()).Name;
        }

        using (var world = World(Sealed.With("a passphrase made anew"), settings => settings with { MaxBackups = 1 }))
        {
            var closed = await FindAsync(world, old);
            Assert.True(closed is { IsLocked: true, IsOurs: false, IsProven: false, Damage: null });
            Assert.Equal(Fault.ArchiveLocked, (await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(old))).Fault);
            var verify = await Assert.ThrowsAsync<BackupException>(() => world.Get<VerifyBackup>().RunAsync(old, Context("verify")));
            Assert.Equal(Fault.ArchiveLocked, verify.Fault);
            Assert.Null(world.Get<BackupCatalog>().Find(old)!.Damage);

            // Rotation takes what it can read, never what it cannot.
            for (var i = 0; i < 3; i++)
            {
                await File.WriteAllTextAsync($"{world.Storage}/{SecretName}.txt", $"{Secret} {i}");
                await world.BackUpAsync();
                world.Get<ApplyRetention>().Run();
            }

            Assert.Equal(2, world.Get<BackupCatalog>().List().Count);
            Assert.NotNull(world.Get<BackupCatalog>().Find(old));
            Assert.Contains(world.Get<WatchHealth>().Refresh().Reasons, reason => reason.Code == "archives-locked" && reason.Message.Contains(old, StringComparison.Ordinal));
        }

        using (var world = World(Sealed.With("a passphrase made anew", Sealed.Passphrase)))
        {
            Assert.True((await FindAsync(world, old)).IsProven);
            Assert.DoesNotContain(world.Get<WatchHealth>().Refresh().Reasons, reason => reason.Code == "archives-locked");
            Assert.True((await world.RestoreAsync(old)).Applied);
            Assert.Equal(Secret, await File.ReadAllTextAsync($"{world.Storage}/{SecretName}.txt"));
        }

        using (var world = World(ArchiveKeys.None))
        {
            Assert.True((await FindAsync(world, old)).IsLocked);
            Assert.False((await world.BackUpAsync()).IsEncrypted);
        }

        using (var world = World(Sealed.ForReading("a passphrase made anew", Sealed.Passphrase)))
        {
            Assert.True((await FindAsync(world, old)).IsProven);
            Assert.False((await world.BackUpAsync()).IsEncrypted);
        }
    }

    [Fact]
    public async Task A_locked_archive_whose_bytes_are_others_is_damaged_all_the_same()
    {
        string path, name;
        using (var world = World())
        {
            MakeStorage(world.Storage);
            (path, name) = ((await world.BackUpAsync()).Path, world.Get<BackupCatalog>().List()[0].Name);
        }

        using var other = World(Sealed.With("a passphrase made anew"));
        await FindAsync(other, name);
        var bytes = await File.ReadAllBytesAsync(path);
        var modified = Posix.Stat(path).Modified;
        bytes[^20] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        Posix.SetModified(path, modified);

        var result = await other.Get<VerifyBackup>().RunAsync(name, Context("verify"));
        Assert.False(result.IsWhole);
        Assert.Contains("SHA-256 differs", Assert.Single(result.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dropped_archive_waits_for_its_passphrase_and_is_then_restored()
    {
        using (var world = World())
        {
            MakeStorage(world.Storage);
            var backup = await world.BackUpAsync();
            File.Copy(backup.Path, $"{world.Restore}/moved.tar.gz.age");
            world.WipeStorage();
        }

        using (var world = World(Sealed.With("a passphrase made anew")))
        {
            var start = await world.StartAsync();
            Assert.Equal(Fault.ArchiveLocked, start.Failure!.Fault);
            Assert.Equal("moved.tar.gz.age", Assert.Single(start.Waiting).Where);
            Assert.True(File.Exists($"{world.Restore}/moved.tar.gz.age"));
            Assert.Empty(Directory.GetFileSystemEntries(world.Storage));
        }

        using (var world = World())
        {
            Assert.True((await world.StartAsync()).Restored!.Applied);
            Assert.Equal(Secret, await File.ReadAllTextAsync($"{world.Storage}/{SecretName}.txt"));
            Assert.True(File.Exists($"{world.Restore}/done/moved.tar.gz.age"));
        }
    }

    [Fact]
    public async Task What_self_healing_keeps_of_a_damaged_database_is_encrypted_too()
    {
        using var world = World();
        MakeStorage(world.Storage);
        await world.BackUpAsync();
        var heal = world.Get<HealStorage>();
        await heal.RunAsync("20261120T120000Z-0007", HealMode.On, new Progress(), CancellationToken.None);
        Shell.Run(world.Storage, "dd if=/dev/urandom of=shop.db bs=1024 seek=4 count=8 conv=notrunc status=none");
        var damaged = await File.ReadAllBytesAsync($"{world.Storage}/shop.db");

        Assert.Single((await heal.RunAsync("20261120T120000Z-0008", HealMode.On, new Progress(), CancellationToken.None)).Healed);

        var kept = Assert.Single(Directory.GetFiles($"{world.Settings.BackupsPath}/.backupapi/quarantine", "*", SearchOption.AllDirectories), file => !file.EndsWith("report.json", StringComparison.Ordinal));
        Assert.EndsWith("shop.db.age", kept, StringComparison.Ordinal);
        Assert.StartsWith("age-encryption.org/v1\n", await File.ReadAllTextAsync(kept, Encoding.Latin1), StringComparison.Ordinal);
        using var bytes = ArchiveBytes.Open(kept, Sealed.Keys);
        using var content = new MemoryStream();
        await new BytesSlice(bytes, 0, bytes.Length).CopyToAsync(content);
        Assert.Equal(damaged, content.ToArray());
    }

    private static OperationContext Context(string id) => new(id, OperationKind.Verify, Trigger.Manual, new CancellationTokenSource());

    private static async Task<Backup> FindAsync(RestoreWorld world, string name)
    {
        await world.Get<BackupCatalog>().RefreshAsync(CancellationToken.None);
        return world.Get<BackupCatalog>().Find(name)!;
    }

    private static void MakeStorage(string storage)
    {
        File.WriteAllText($"{storage}/{SecretName}.txt", Secret);
        using var shell = SqliteShell.Open($"{storage}/shop.db");
        shell.Run($"create table orders(x); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into orders select '{Secret} ' || i from n;");
    }

    private static Task<Service> StartAsync() => Service.StartAsync(keys: Sealed.Keys);

    private static async Task<Backup> BackUpAsync(Service service)
    {
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        return backup;
    }

    /// <summary>Neither what storage holds nor how its files are called; archives and what was left by the work alike.</summary>
    private static void AssertNothingInTheClear(Service service)
    {
        var files = Directory.GetFiles(service.Backups, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None });
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var text = File.ReadAllText(file, Encoding.Latin1);
            Assert.False(text.Contains(Secret, StringComparison.Ordinal), $"{file} holds content");
            Assert.False(text.Contains(SecretName, StringComparison.Ordinal), $"{file} holds the name of a file");
        }

        Assert.All(Directory.GetFiles(service.Backups, "backup_*"), file => Assert.True(file.EndsWith(".age", StringComparison.Ordinal) || file.EndsWith(".state.json", StringComparison.Ordinal), file));
    }

    private RestoreWorld World(ArchiveKeys? keys = null, Func<ServiceSettings, ServiceSettings>? change = null)
    {
        temp.Folder("storage");
        return new RestoreWorld(change, temp.Path, keys ?? Sealed.Keys);
    }
}
