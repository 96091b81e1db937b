using System.Text.Json;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>The way back from a restore: what it is kept by, and what it says.</summary>
public sealed class UndoTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public UndoTests()
    {
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task An_ordinary_backup_that_serves_as_the_way_back_is_kept_from_rotation_until_the_next_restore()
    {
        var monday = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        var today = await world.BackUpAsync();
        await world.Get<RestoreBackup>().RunAsync(world.Job(new RestoreRequest { BackupName = monday.Name }) with { TakeSafety = _ => Task.FromResult<Backup?>(today) }, new Progress(), CancellationToken.None);

        Assert.Contains("way back", Assert.Single(world.Get<BackupCatalog>().Find(today.Name)!.Pins), StringComparison.Ordinal);
        Assert.True((await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false))).Applied);
        Assert.Equal("today", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.Empty(world.Get<BackupCatalog>().Find(today.Name)!.Pins);
    }

    [Fact]
    public async Task An_undo_by_kept_files_that_a_kill_cut_short_is_finished_and_recorded_at_the_next_start()
    {
        var image = TreeImage.Of(world.Storage);
        Shell.Run(world.Storage, "cp -a changed.txt ../today; echo monday > changed.txt");
        var monday = await world.BackUpAsync();
        Shell.Run(world.Storage, "rm changed.txt; cp -a ../today changed.txt");
        await world.RestoreWithoutRoomAsync(monday.Name);
        Assert.Equal("monday\n", File.ReadAllText($"{world.Storage}/changed.txt"));
        var origin = world.Get<LastRestore>().Find()! with { Id = "x-undo", TakesBack = true, KeepsReplaced = false };
        Assert.NotNull(KeptSwap.TakeUp(world.Storage, JsonSerializer.SerializeToElement(origin, Json.Options)));

        var start = await world.StartAsync();

        Assert.Contains("undo", Assert.Single(start.Recovered).Message, StringComparison.Ordinal);
        Assert.Equal(image, TreeImage.Of(world.Storage));
        Assert.True(world.Get<LastRestore>().Find()!.TakesBack);
        Assert.False(world.Get<UndoRestore>().IsByKeptFiles);
        Assert.Contains("no room", Assert.Throws<BackupException>(() => world.Get<UndoRestore>().Request(force: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_differed_and_no_room_was_for_a_safety_backup_the_undo_has_nothing_to_do_and_ends_well()
    {
        var backup = await world.BackUpAsync();
        var before = TreeImage.Of(world.Storage);
        await world.RestoreWithoutRoomAsync(backup.Name);

        Assert.True((await world.UndoByKeptFilesAsync()).Applied);

        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Fact]
    public async Task The_undo_of_a_restore_of_some_paths_says_that_all_of_storage_went_back()
    {
        await using var service = await Service.StartAsync();
        await File.WriteAllTextAsync($"{service.Storage}/a", "old");
        await File.WriteAllTextAsync($"{service.Storage}/b", "old");
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await File.WriteAllTextAsync($"{service.Storage}/a", "new");
        await service.Manager.StartRestore(new RestoreRequest { BackupName = backup.Name, Paths = ["a"] }).Completion;
        await File.WriteAllTextAsync($"{service.Storage}/b", "later");

        var undone = await service.Manager.StartUndo(force: false).Completion;

        Assert.Equal("new", await File.ReadAllTextAsync($"{service.Storage}/a"));
        Assert.Contains(undone.Warnings, warning => warning.Message.Contains("written elsewhere since went back too", StringComparison.Ordinal));
    }
}
