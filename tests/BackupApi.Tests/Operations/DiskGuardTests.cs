using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Operations on a real small disk: what does not fit is not begun, what runs into the floor ends and leaves no trace, and the next operation works once there is room.</summary>
public sealed class DiskGuardTests : IDisposable
{
    private const long Megabyte = 1 << 20;
    private const long Floor = 8 * Megabyte;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TempFolder temp = new();
    private readonly TestMount disk;

    public DiskGuardTests() => disk = TestMount.Tmpfs(temp["disk"], 120);

    private string Filler => temp["disk/filler"];

    public void Dispose()
    {
        disk.Dispose();
        temp.Dispose();
    }

    [Fact]
    public async Task A_disk_that_fills_while_the_archive_is_written_fails_the_backup_without_a_trace_and_the_next_one_works()
    {
        using var world = World(settings => settings with { BytesPerSecond = 4 * Megabyte });
        Random(world, "data.bin", 40);
        using var filling = new CancellationTokenSource(Patience);
        var filler = Task.Run(() => FillOnceAsync(() => Posix.ListNames(world.Settings.BackupsPath).Exists(name => name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal)), filling.Token));

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.BackUpAsync());

        await filler;
        Assert.Equal(Fault.NoRoom, failure.Fault);
        Assert.Matches(@"\d+ MB are free .* 8 MB are always kept free", failure.Message);
        Assert.NotEmpty(failure.Hint);
        Assert.DoesNotContain(Posix.ListNames(world.Settings.BackupsPath), name => name.Contains("backup_", StringComparison.Ordinal));
        Assert.Empty(Posix.ListNames($"{world.Settings.BackupsPath}/.staging"));

        File.Delete(Filler);
        using var faster = World();
        Assert.True((await faster.BackUpAsync()).IsProven);
    }

    [Fact]
    public async Task A_disk_that_fills_while_an_archive_is_unpacked_fails_the_restore_and_leaves_storage_as_it_was()
    {
        using var world = World();
        Random(world, "data.bin", 20);
        var backup = await world.BackUpAsync();
        Random(world, "data.bin", 10);
        File.WriteAllText($"{world.Storage}/later.txt", "later");
        var before = TreeImage.Of(world.Storage);
        var progress = new Progress();
        using var filling = new CancellationTokenSource(Patience);
        var filler = Task.Run(() => FillOnceAsync(() => progress.Phase is "unpack" or "check" or "owner check" or "safety backup", filling.Token));

        // Where the unpacking was faster than the filling, the restore is met before its swap.
        var job = world.Job(new RestoreRequest { BackupName = backup.Name }) with { TakeSafety = WaitForTheEndAsync };
        var failure = await Assert.ThrowsAsync<BackupException>(() => world.Get<RestoreBackup>().RunAsync(job, progress, CancellationToken.None));

        await filler;
        Assert.Equal(Fault.NoRoom, failure.Fault);
        Assert.NotEmpty(failure.Hint);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));

        File.Delete(Filler);
        Assert.True((await world.RestoreAsync(backup.Name)).Applied);
        Assert.False(File.Exists($"{world.Storage}/later.txt"));
    }

    [Fact]
    public async Task Work_ends_soon_after_the_floor_is_reached_and_long_before_the_disk_is_full()
    {
        using var world = World();
        var written = 0L;
        var failure = await Assert.ThrowsAsync<BackupException>(() => world.Get<DiskGuard>().WhileRoomAsync("This test", [world.Storage], WriteUntilStoppedAsync, CancellationToken.None));

        Assert.Equal(Fault.NoRoom, failure.Fault);
        Assert.InRange(written, 100 * Megabyte, 119 * Megabyte);

        async Task<int> WriteUntilStoppedAsync(CancellationToken ct)
        {
            using var file = Posix.CreateNew(Filler);
            for (var chunk = new byte[Megabyte / 4]; written < 119 * Megabyte; written += chunk.Length)
            {
                await RandomAccess.WriteAsync(file, chunk, written, ct);
                await Task.Delay(written > 108 * Megabyte ? 20 : 0, ct);
            }

            await Task.Delay(Patience, ct);
            return 0;
        }
    }

    [Fact]
    public async Task Below_the_floor_nothing_that_writes_is_begun_not_even_by_force()
    {
        using var world = World();
        world.AddDatabase("sqlite/a-clean", "sql");
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/later.txt", "later");
        Fill();

        Assert.Equal(Fault.NoRoom, (await Assert.ThrowsAsync<BackupException>(() => world.BackUpAsync())).Fault);
        Assert.Equal(Fault.NoRoom, (await Assert.ThrowsAsync<BackupException>(() => world.BackUpAsync(Trigger.Schedule))).Fault);
        Assert.Equal(Fault.NoRoom, (await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true }))).Fault);
        using var stop = new CancellationTokenSource();
        Assert.Equal(Fault.NoRoom, (await Assert.ThrowsAsync<BackupException>(() => world.Get<VerifyDatabases>().RunAsync(null, new OperationContext("1", OperationKind.VerifyDatabases, Trigger.Manual, stop)))).Fault);
        Assert.Equal(Fault.NoRoom, (await Assert.ThrowsAsync<BackupException>(() => world.Get<DrillRestore>().RunAsync(backup, new OperationContext("2", OperationKind.Drill, Trigger.Schedule, stop)))).Fault);
        Assert.Contains((await world.HealAsync()).Undecided, finding => finding.Message.Contains("was not looked at", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dropped_archive_for_which_there_is_no_room_stays_and_is_restored_at_a_later_start()
    {
        using var world = World();
        Random(world, "data.bin", 20);
        var backup = await world.BackUpAsync();
        File.Copy(backup.Path, $"{world.Restore}/drop.tar.gz");
        Random(world, "data.bin", 5);
        var before = TreeImage.Of(world.Storage);
        Fill(leave: 30 * Megabyte);

        var start = await world.StartAsync();

        Assert.Equal(Fault.NoRoom, start.Failure?.Fault);
        Assert.Contains("free", Assert.Single(start.Waiting).Message, StringComparison.Ordinal);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        File.Delete(Filler);
        Assert.True((await world.StartAsync()).Restored?.Applied);
    }

    [Fact]
    public async Task Where_there_is_no_room_for_a_safety_backup_the_replaced_files_are_the_way_back_and_the_answer_says_so()
    {
        using var other = TestMount.Tmpfs(temp["backups"], 90);
        using var world = World(settings => settings with { BackupsPath = temp["backups/b"] });
        Random(world, "data.bin", 20);
        File.WriteAllText($"{world.Storage}/goes.txt", "goes");
        Directory.CreateDirectory($"{world.Storage}/folder");
        File.WriteAllText($"{world.Storage}/folder/same.txt", "same");
        var backup = await world.BackUpAsync();
        Random(world, "data.bin", 30);
        File.Delete($"{world.Storage}/goes.txt");
        File.WriteAllText($"{world.Storage}/comes.txt", "comes");
        File.WriteAllText($"{world.Storage}/folder/new.txt", "new");
        var before = TreeImage.Of(world.Storage);
        Shell.Run(temp.Path, "fallocate -l 40M backups/filler");
        var preview = await world.Get<PlanRestore>().RunAsync(new RestoreRequest { BackupName = backup.Name }, backup, CancellationToken.None);
        Assert.False(preview.SafetyBackupFits);

        var result = await world.RestoreAsync(backup.Name);

        Assert.True(result is { Applied: true, SafetyBackup: null, KeepsReplaced: true });
        Assert.Contains(result.Warnings, warning => warning.Message.Contains("undo-restore brings them back", StringComparison.Ordinal));
        Assert.Matches(@"needs about \d+ MB on the disk of the backups folder .*, and \d+ MB are free", string.Join(' ', result.Warnings.Select(warning => warning.Message)));
        Assert.True(File.Exists($"{world.Storage}/goes.txt"));

        // A start in between leaves what is kept alone.
        Assert.Null((await world.StartAsync()).Failure);
        File.WriteAllText($"{world.Storage}/goes.txt", "written since");
        var undo = world.Get<UndoRestore>();
        Assert.True(undo.IsByKeptFiles);
        var back = await world.UndoByKeptFilesAsync();

        Assert.True(back.Applied);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
        Assert.False(undo.IsByKeptFiles);
    }

    [Fact]
    public async Task What_was_kept_goes_with_the_next_restore()
    {
        using var other = TestMount.Tmpfs(temp["backups"], 90);
        using var world = World(settings => settings with { BackupsPath = temp["backups/b"] });
        Random(world, "data.bin", 20);
        var backup = await world.BackUpAsync();
        Random(world, "data.bin", 30);
        Shell.Run(temp.Path, "fallocate -l 40M backups/filler");
        Assert.True((await world.RestoreAsync(backup.Name)).KeepsReplaced);
        File.Delete(temp["backups/filler"]);
        File.WriteAllText($"{world.Storage}/more.txt", "more");

        var result = await world.RestoreAsync(backup.Name);

        Assert.NotNull(result.SafetyBackup);
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
        Assert.False(world.Get<UndoRestore>().IsByKeptFiles);
    }

    [Fact]
    public async Task Below_five_times_the_floor_a_restore_needs_force()
    {
        using var world = World();
        File.WriteAllText($"{world.Storage}/small.txt", "small");
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/small.txt", "changed");
        Fill(leave: 20 * Megabyte);

        Assert.Equal(Fault.NoRoom, (await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name))).Fault);
        Assert.True((await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true })).Applied);
    }

    [Fact]
    public async Task Room_for_a_restore_is_never_made_by_removing_what_is_to_be_restored()
    {
        using var world = World(settings => settings with { MaxBackups = 100 });
        var first = "";
        for (var i = 0; i < 4; i++)
        {
            Random(world, "data.bin", 15);
            first = await world.BackUpAsync() is { } taken && i == 0 ? taken.Name : first;
        }

        try
        {
            await world.RestoreAsync(new RestoreRequest { BackupName = first, Force = true });
        }
        catch (BackupException e)
        {
            Assert.Equal(Fault.NoRoom, e.Fault);
        }

        Assert.True(File.Exists($"{world.Settings.BackupsPath}/{first}"));
    }

    private RestoreWorld World(Func<ServiceSettings, ServiceSettings>? change = null) =>
        new(settings => (change ?? (same => same))(settings with { MinFreeBytes = Floor }), temp["disk"]);

    private static void Random(RestoreWorld world, string name, int megabytes)
    {
        var content = new byte[megabytes * Megabyte];
        new Random(megabytes).NextBytes(content);
        File.WriteAllBytes($"{world.Storage}/{name}", content);
    }

    private async Task FillOnceAsync(Func<bool> isTime, CancellationToken ct)
    {
        while (!isTime())
        {
            await Task.Delay(1, ct);
        }

        Fill();
    }

    /// <summary>Piece by piece, for others write meanwhile.</summary>
    private void Fill(long leave = Floor / 2)
    {
        using var file = Posix.CreateNew(Filler);
        var piece = new byte[Megabyte / 4];
        try
        {
            for (var at = 0L; MountFacts.Of(temp["disk"]).FreeBytes > leave + piece.Length; at += piece.Length)
            {
                RandomAccess.Write(file, piece, at);
            }
        }
        catch (IOException)
        {
            // As full as can be.
        }
    }

    private static async Task<Backup?> WaitForTheEndAsync(CancellationToken ct)
    {
        await Task.Delay(Patience, ct);
        return null;
    }
}
