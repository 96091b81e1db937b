using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

public sealed class PlanRestoreTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public PlanRestoreTests()
    {
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_dry_run_names_what_would_go_come_and_change_and_touches_nothing()
    {
        var backup = await world.BackUpAsync();
        Shell.Run(world.Storage, "echo today > changed.txt; rm goes.txt; mkdir -p extra/deep; echo x > extra/deep/file");
        var before = TreeImage.Of(world.Storage);

        var preview = await PlanAsync(new RestoreRequest { BackupName = backup.Name }, backup);

        Assert.Equal(["changed.txt"], preview.Replaced);
        Assert.Equal(["goes.txt"], preview.Added);
        Assert.Equal(["extra", "extra/deep", "extra/deep/file"], preview.Removed);
        Assert.True(preview.UnchangedCount > 5);
        Assert.True(preview.NeededBytes < preview.FreeBytes);
        Assert.Null(preview.Refusal);
        Assert.Empty(preview.InUse);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Fact]
    public async Task A_dry_run_of_some_paths_removes_nothing_and_names_who_uses_them()
    {
        var backup = await world.BackUpAsync();
        Shell.Run(world.Storage, "echo today > changed.txt; echo x > extra");
        using var owner = await HolderProcess.StartAsync($"{world.Storage}/changed.txt", "held = open(path, 'r+b')");

        var preview = await PlanAsync(new RestoreRequest { BackupName = backup.Name, Paths = ["changed.txt"] }, backup);

        Assert.Equal(["changed.txt"], preview.Replaced);
        Assert.Equal(0, preview.RemovedCount);
        Assert.Equal("changed.txt", Assert.Single(preview.InUse).Where);
    }

    [Fact]
    public async Task A_dry_run_tells_the_refusal_instead_of_throwing_it()
    {
        var backup = await world.BackUpAsync();

        var preview = await PlanAsync(new RestoreRequest { BackupName = backup.Name, To = "whole" }, backup);

        Assert.Equal(Fault.InvalidRequest, preview.Refusal!.Fault);
    }

    private Task<RestorePreview> PlanAsync(RestoreRequest request, Backup backup) => world.Get<PlanRestore>().RunAsync(request, backup, CancellationToken.None);
}
