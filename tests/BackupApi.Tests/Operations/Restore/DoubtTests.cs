using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Read-only when in doubt: what the service may still do to storage, and what ends that state.</summary>
public sealed class DoubtTests
{
    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"what\":")]
    [InlineData("\0\0\0\0")]
    public void A_record_of_doubt_that_the_disk_does_not_give_back_is_doubt_all_the_same(string content)
    {
        using var world = new RestoreWorld();
        var record = $"{world.Settings.BackupsPath}/.backupapi/doubt.json";
        File.WriteAllText(record, content);
        var doubt = new Doubt(world.Get<WorkFolders>(), TimeProvider.System);

        Assert.Contains("cannot be read", doubt.Reason, StringComparison.Ordinal);
        Assert.Contains("POST /api/backup/restore", doubt.Reason, StringComparison.Ordinal);

        doubt.End();
        Assert.Null(doubt.Reason);
        Assert.False(File.Exists(record));
    }

    [Fact]
    public async Task A_restore_that_does_not_stand_its_check_in_place_is_taken_back_and_stops_all_that_is_done_without_being_asked()
    {
        using var disk = new BadDisk();
        await using var service = await StartAsync(disk);
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await File.AppendAllTextAsync($"{service.Storage}/sql/data.db", "x");
        File.Delete($"{service.Storage}/sql/data.db");
        var before = TreeImage.ContentOf(service.Storage);
        disk.Fails = true;

        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion);

        Assert.Equal(Fault.VerificationFailed, failure.Fault);
        Assert.Equal(before, TreeImage.ContentOf(service.Storage));
        var reason = service.Get<WatchHealth>().Refresh().Reasons.Single(r => r.Code == "read-only");
        Assert.Contains("did not stand its check in place", reason.Message, StringComparison.Ordinal);
        Assert.Contains("POST /api/backup/restore", reason.Message, StringComparison.Ordinal);
        Assert.NotEmpty(service.Manager.List());

        // The next start: what was dropped waits, and nothing is healed, although all would go well.
        disk.Fails = false;
        File.Copy(backup.Path, $"{service.Restore}/mine.tar.gz");
        await service.Get<StartUp>().PrepareAsync(CancellationToken.None);
        Assert.False(File.Exists($"{service.Storage}/sql/data.db"));
        Assert.True(File.Exists($"{service.Restore}/mine.tar.gz"));
        Assert.Contains("Nothing is written to storage by itself", Assert.Single(service.Get<RestoreFolderState>().Waiting).Message, StringComparison.Ordinal);

        Assert.True((await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion).Applied);
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "read-only");
        Assert.True(File.Exists($"{service.Storage}/sql/data.db"));
    }

    [Fact]
    public async Task It_lasts_over_a_restart_and_a_check_that_finds_all_databases_whole_ends_it()
    {
        await using var service = await StartAsync(null);
        service.Get<Doubt>().Raise("The restore of x was taken back.");

        var nextLife = new Doubt(service.Get<WorkFolders>(), TimeProvider.System);
        Assert.StartsWith("The restore of x was taken back. POST /api/backup/restore", nextLife.Reason, StringComparison.Ordinal);

        await service.Manager.StartVerifyDatabases("sql/data.db").Completion;
        Assert.NotNull(service.Get<Doubt>().Reason);
        await service.Manager.StartVerifyDatabases(null).Completion;
        Assert.Null(service.Get<Doubt>().Reason);
        Assert.Null(new Doubt(service.Get<WorkFolders>(), TimeProvider.System).Reason);
    }

    [Fact]
    public async Task A_damaged_live_database_is_told_with_the_call_that_ends_it_and_lists_and_restores_go_on()
    {
        await using var service = await StartAsync(null);
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        Shell.Run(service.Storage, "dd if=/dev/urandom of=sql/data.db bs=1024 seek=4 count=8 conv=notrunc status=none");

        Assert.False((await service.Manager.StartVerifyDatabases(null).Completion).AreWhole);

        var reason = service.Get<WatchHealth>().Refresh().Reasons.Single(r => r.Code == "read-only");
        Assert.Contains("sql/data.db is damaged", reason.Message, StringComparison.Ordinal);
        Assert.Contains($"backupName '{backup.Name}' and paths ['sql/data.db']", reason.Hint, StringComparison.Ordinal);
        Assert.True((await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name, Paths = ["sql/data.db"] }).Completion).Applied);
        Assert.True((await service.Manager.StartVerifyDatabases(null).Completion).AreWhole);
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code is "read-only" or "database-damaged");
    }

    [Fact]
    public async Task A_restore_whose_journal_stays_open_is_told_by_health_until_a_later_one_has_ended_it()
    {
        using var disk = new BadDisk();
        await using var service = await StartAsync(disk);
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        File.Delete($"{service.Storage}/sql/data.db");
        disk.JamsJournal = true;

        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion);

        Assert.Equal(Fault.ReadOnly, failure.Fault);
        Assert.Contains("neither be finished nor taken back", Assert.Single(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "read-only").Message, StringComparison.Ordinal);
        disk.JamsJournal = false;
        Directory.Delete(Assert.Single(Directory.GetDirectories($"{service.Storage}/.backup", "restore-*")) + "/state.partial");

        var result = await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name }).Completion;

        Assert.Contains(result.Warnings, warning => warning.Message.Contains("finished now", StringComparison.Ordinal));
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "read-only");
        Assert.True(File.Exists($"{service.Storage}/sql/data.db"));
    }

    [Fact]
    public async Task A_healing_whose_journal_stays_open_is_told_as_that_and_nothing_more_is_healed()
    {
        using var disk = new BadDisk();
        await using var service = await StartAsync(disk);
        Fixtures.CopyTo("leveldb/n-clean", Directory.CreateDirectory($"{service.Storage}/ulterior").FullName);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        await service.Get<StartUp>().PrepareAsync(CancellationToken.None);
        File.Delete($"{service.Storage}/sql/data.db");
        Directory.Delete($"{service.Storage}/ulterior", recursive: true);
        disk.JamsJournal = true;

        await service.Get<StartUp>().PrepareAsync(CancellationToken.None);

        var reason = Assert.Single(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "read-only");
        Assert.Contains("neither be finished nor taken back", reason.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"{service.Storage}/ulterior"));
        var told = service.Get<RestoreFolderState>().Undecided;
        Assert.Contains("journal", told.Single(wound => wound.Where == "sql/data.db").Message, StringComparison.Ordinal);
        Assert.All(told, wound => Assert.DoesNotContain("room", wound.Message, StringComparison.OrdinalIgnoreCase));

        disk.JamsJournal = false;
        Directory.Delete(Assert.Single(Directory.GetDirectories($"{service.Storage}/.backup", "restore-*")) + "/state.partial");
        await service.Get<StartUp>().PrepareAsync(CancellationToken.None);
        Assert.True(File.Exists($"{service.Storage}/sql/data.db"));
        Assert.True(Directory.Exists($"{service.Storage}/ulterior"));
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code is "read-only" or "database-undecided");
    }

    private static Task<Service> StartAsync(BadDisk? disk) => Service.StartAsync(
        settings =>
        {
            Fixtures.CopyTo("sqlite/a-clean", Directory.CreateDirectory($"{settings.StoragePath}/sql").FullName);
            Fixtures.CopyTo("leveldb/n-clean", Directory.CreateDirectory($"{settings.StoragePath}/level").FullName);
            disk?.Storage = settings.StoragePath;
            return settings;
        },
        services =>
        {
            if (disk is not null)
            {
                var engines = (IReadOnlyList<IEngine>)services.Single(service => service.ServiceType == typeof(IReadOnlyList<IEngine>)).ImplementationFactory!(null!);
                services.AddSingleton<IReadOnlyList<IEngine>>([.. engines.Select(engine => engine.Kind == "sqlite" ? disk.Over(engine) : engine)]);
            }
        });

    /// <summary>A disk that gives back something else than was written, in storage only.</summary>
    private sealed class BadDisk : IDisposable
    {
        public string Storage { get; set; } = "";

        public bool Fails { get; set; }

        /// <summary>The check in place leaves something behind that no state of the journal can be written over.</summary>
        public bool JamsJournal { get; set; }

        public IEngine Over(IEngine engine) => new Reading(engine, this);

        public void Dispose() => Fails = false;

        private sealed class Reading(IEngine engine, BadDisk disk) : IEngine
        {
            public string Kind => engine.Kind;

            public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => engine.MayOwn(node, head);

            public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree) => engine.Recognise(tree, isFree);

            public Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct) => engine.CaptureAsync(source, tree, into, ct);

            public async Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct)
            {
                var verdict = await engine.VerifyAsync(source, folder, ct);
                if (disk.JamsJournal && folder == disk.Storage)
                {
                    Directory.CreateDirectory(Assert.Single(Directory.GetDirectories($"{folder}/.backup", "restore-*")) + "/state.partial");
                }

                return disk.Fails && folder == disk.Storage ? verdict with { Errors = [new Finding(source.Name, "Page 3 is not what was written.")] } : verdict;
            }
        }
    }
}
