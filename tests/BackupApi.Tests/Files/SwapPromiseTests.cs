using System.Globalization;
using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Files;

/// <summary>What a caller is told as failed must never come true at a later start, also where only the flush behind the commit's rename failed.</summary>
public sealed class SwapPromiseTests : IDisposable
{
    private const int EIO = 5;

    private readonly TempFolder temp = new();
    private int rounds;

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("restore", "state.partial")]
    [InlineData("stage", "state.partial")]
    [InlineData("undo-kept", "kept-")]
    [InlineData("beside", "new")]
    public async Task What_was_told_as_failed_does_not_come_true_at_the_next_start(string what, string promise)
    {
        var flush = FlushBehind(what, promise);
        var root = await PrepareAsync(what);
        var before = TreeImage.Of($"{root}/storage");

        var end = KillPoint.Run(what, root, flush, EIO);

        Assert.True(end.ExitCode == 1, end.Errors);
        Assert.StartsWith("DiskError", end.Errors, StringComparison.Ordinal);
        Assert.Equal(before, TreeImage.Of($"{root}/storage"));
        var start = await StartAsync(root);
        Assert.True(start is { Failure: null, Restored: null, ReadOnlyReason: null });
        Assert.Empty(start.Recovered);
        Assert.Equal(before, TreeImage.Of($"{root}/storage"));
    }

    [Theory]
    [InlineData("restore", "state.partial")]
    [InlineData("stage", "state.partial")]
    [InlineData("undo-kept", "kept-")]
    public async Task What_can_be_neither_flushed_nor_called_off_is_told_as_open_and_never_as_failed(string what, string promise)
    {
        var flush = FlushBehind(what, promise);
        var root = await PrepareAsync(what);
        var before = TreeImage.Of($"{root}/storage");

        var end = KillPoint.Run(what, root, flush, EIO, sticky: true);

        Assert.True(end.ExitCode == 1, end.Errors);
        Assert.StartsWith("ReadOnly", end.Errors, StringComparison.Ordinal);
        Assert.Contains("next start", end.Errors, StringComparison.Ordinal);
        Assert.Equal(before, TreeImage.Of($"{root}/storage"));
        var start = await StartAsync(root);
        Assert.True(start is { Failure: null, ReadOnlyReason: null });
        Assert.NotEqual(before, TreeImage.Of($"{root}/storage"));
    }

    /// <summary>The number of the flush that follows the rename of a name.</summary>
    private long FlushBehind(string what, string renamed)
    {
        var root = PrepareAsync(what).GetAwaiter().GetResult();
        var calls = KillPoint.Run(what, root, 0, trace: true).Errors.Split('\n').Select(line => line.Split(' ')).Where(words => words.Length > 2)
            .SkipWhile(words => !(words[1].StartsWith("rename", StringComparison.Ordinal) && words[2].Contains("/.backup/", StringComparison.Ordinal) && Path.GetFileName(words[2]).StartsWith(renamed, StringComparison.Ordinal)));
        return long.Parse(calls.First(words => words[1] == "fsync")[0], CultureInfo.InvariantCulture);
    }

    private async Task<string> PrepareAsync(string what)
    {
        var root = temp.Folder($"round-{++rounds}");
        using var world = new RestoreWorld(root: root);
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
        var backup = await world.BackUpAsync();
        await File.WriteAllTextAsync($"{world.Storage}/changed.txt", "work of today");
        if (what == "undo-kept")
        {
            await world.RestoreWithoutRoomAsync(backup.Name);
        }

        return root;
    }

    private static async Task<BackupApi.Operations.Restore.StartRestoreResult> StartAsync(string root)
    {
        using var world = new RestoreWorld(root: root);
        await world.Get<BackupApi.Catalog.BackupCatalog>().RefreshAsync(CancellationToken.None);
        return await world.StartAsync();
    }
}
