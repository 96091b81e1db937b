using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Whole restores killed, or given an error, at every call that changes something in storage, backups or the restore folder; then a start, as after a reboot.</summary>
public sealed class RestoreKillTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder temp = new();
    private string oldImage = "";
    private string newImage = "";
    private int rounds;

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("restore", 97)]
    [InlineData("start", 97)]
    [InlineData("bare", 41)]
    public Task Killed_at_some_calls_storage_is_old_or_new_after_the_next_start(string what, int step) => KillAsync(what, step);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("restore")]
    [InlineData("start")]
    [InlineData("bare")]
    [InlineData("undo")]
    public Task Killed_at_every_call_storage_is_old_or_new_after_the_next_start(string what) => KillAsync(what, 1);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("restore", 5, false)]
    [InlineData("restore", 28, true)]
    [InlineData("restore", 30, true)]
    [InlineData("start", 5, false)]
    [InlineData("start", 28, true)]
    [InlineData("bare", 5, false)]
    [InlineData("bare", 28, true)]
    public async Task An_error_at_every_call_is_a_fault_with_a_hint_and_storage_is_old_or_new(string what, int errno, bool sticky)
    {
        await PrepareTemplateAsync(what);
        var calls = KillPoint.Run(CallOf(what), Copy(), 0).Calls;
        var (old, fresh) = (0, 0);
        for (long n = 1; n <= calls; n++)
        {
            var root = Copy();
            var end = KillPoint.Run(CallOf(what), root, n, errno, sticky);
            Assert.True(end.ExitCode is 0 or 1, $"errno {errno} at call {n}: exit {end.ExitCode} {end.Errors}");
            _ = await StartAndJudgeAsync(root, what, $"{what}, errno {errno} at call {n} of {calls}: {end.Errors}") ? fresh++ : old++;
        }

        output.WriteLine($"{what}, errno {errno}{(sticky ? " from there on" : "")}: {calls} calls: {old} ended old, {fresh} new");
    }

    private async Task KillAsync(string what, int step)
    {
        await PrepareTemplateAsync(what);
        var calls = KillPoint.Run(CallOf(what), Copy(), 0).Calls;
        var (old, fresh) = (0, 0);
        for (long n = 1; n <= calls; n += step)
        {
            var root = Copy();
            Assert.True(KillPoint.Run(CallOf(what), root, n).WasKilled, $"call {n} of {calls} was not reached");
            _ = await StartAndJudgeAsync(root, what, $"{what} killed at call {n} of {calls}") ? fresh++ : old++;
        }

        output.WriteLine($"{what}: {calls} calls, struck at every {step}: {old} ended old, {fresh} new");
    }

    /// <summary>The next life of the service: clears up, goes on, and must then be able to take a proven backup. True when storage is new.</summary>
    private async Task<bool> StartAndJudgeAsync(string root, string what, string when)
    {
        using var world = new RestoreWorld(root: root);
        world.Get<WorkFolders>().RemoveLeftovers();
        await world.Get<BackupCatalog>().RefreshAsync(CancellationToken.None);
        var start = await world.StartAsync();
        var image = ImageOf(what, world.Storage);
        var isNew = image == newImage;
        Assert.True(isNew || image == oldImage, $"{when}: storage is a mixture:\n{image}\nold:\n{oldImage}\nnew:\n{newImage}");
        Assert.True(start.Failure is null && start.ReadOnlyReason is null, $"{when}: {start.Failure?.Message}");
        Assert.True(Posix.FindStat($"{world.Storage}/.backup") is null, $"{when}: something was left behind");
        if (what == "start")
        {
            Assert.True(isNew && File.Exists($"{world.Restore}/done/drop.tar.gz") && !File.Exists($"{world.Restore}/drop.tar.gz"), $"{when}: the drop was not finished");
        }

        if (what == "bare")
        {
            Assert.True(isNew && File.Exists($"{world.Restore}/done/data.db.set/data.db-wal") && world.Get<RestoreFolder>().List().Count == 0, $"{when}: the database was not finished");
        }

        Assert.True((await world.BackUpAsync()).IsProven, $"{when}: the next backup is not proven");
        TreeRemoval.Remove(root);
        return isNew;
    }

    /// <summary>Storage with three engines and plain files, a backup of it, and what was written since.</summary>
    private async Task PrepareTemplateAsync(string what)
    {
        var template = temp.Folder("template");
        using (var world = new RestoreWorld(root: template))
        {
            SampleTrees.WriteOld(world.Storage);
            TreeRemoval.Remove($"{world.Storage}/db");
            world.AddDatabase("sqlite/a-clean", "sql");
            world.AddDatabase("leveldb/n-clean", "level");
            world.AddDatabase("litedb/a-clean", "lite");
            var backup = await world.BackUpAsync();
            Shell.Run(world.Storage, "rm -rf lite goes.txt; echo today > changed.txt; echo today > whole/two; sqlite3 sql/data.db 'create table today(x)'; mkdir -p new/folder; echo new > new/folder/file");
            if (what == "start")
            {
                File.Copy(backup.Path, $"{world.Restore}/drop.tar.gz");
            }

            if (what == "bare")
            {
                Fixtures.CopyTo("sqlite/b-wal-committed", world.Restore);
            }

            if (what == "undo")
            {
                await world.RestoreAsync(backup.Name);
            }
        }

        oldImage = ImageOf(what, $"{template}/storage");
        var whole = Copy();
        Assert.Equal(0, KillPoint.Run(CallOf(what), whole, 0).ExitCode);
        newImage = ImageOf(what, $"{whole}/storage");
        Assert.NotEqual(oldImage, newImage);
    }

    /// <summary>A database that was dropped as it is is restored by a start too.</summary>
    private static string CallOf(string what) => what == "bare" ? "start" : what;

    /// <summary>A folder that keeps most of what it holds keeps its owner and mode, and gets the time of the change, as ever.</summary>
    private static string ImageOf(string what, string storage) => what == "bare" ? TreeImage.ContentOf(storage) : TreeImage.Of(storage);

    private string Copy()
    {
        var root = temp[$"round-{++rounds}"];
        Shell.Run(temp.Path, $"cp -a template {Path.GetFileName(root)}");
        return root;
    }
}
