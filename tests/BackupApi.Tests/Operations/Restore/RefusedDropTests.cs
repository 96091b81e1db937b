using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>A drop that the disk refused, at whichever step, is not the archive's fault: it stays, is told, and is tried at the next start.</summary>
public sealed class RefusedDropTests : IDisposable
{
    private readonly TempFolder temp = new();
    private int rounds;

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task A_step_of_the_swap_that_is_refused_leaves_the_archive_where_it_is_and_says_so()
    {
        using var world = new RestoreWorld(root: await PrepareAsync());
        Shell.Run(world.Storage, "chattr +i changed.txt");
        try
        {
            var start = await world.StartAsync();

            Assert.Equal(Fault.PermissionDenied, start.Failure!.Fault);
            Assert.Contains("storage is as before", start.Failure.Message, StringComparison.Ordinal);
            Assert.Contains("changed.txt", Assert.Single(start.Waiting, waiting => waiting.Where == "drop.tar.gz").Message, StringComparison.Ordinal);
        }
        finally
        {
            Shell.Run(world.Storage, "chattr -i changed.txt");
        }

        Assert.True(File.Exists($"{world.Restore}/drop.tar.gz"));
        Assert.False(Directory.Exists($"{world.Restore}/failed"));
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.True((await world.StartAsync()).Restored!.Applied);
        Assert.True(File.Exists($"{world.Restore}/done/drop.tar.gz"));
    }

    [Fact]
    public Task Whichever_rename_or_flush_of_some_is_refused_the_next_start_restores_it() => RefuseAsync(5, 7);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(5)]
    [InlineData(28)]
    [InlineData(30)]
    public Task Whichever_rename_or_flush_is_refused_the_next_start_restores_it(int errno) => RefuseAsync(errno, 1);

    private async Task RefuseAsync(int errno, int step)
    {
        var calls = await RenamesAndFlushesAsync();
        foreach (var (n, call) in calls.Where((_, i) => i % step == 0))
        {
            var root = await PrepareAsync();
            var end = KillPoint.Run("start", root, n, errno);
            Assert.True(end.ExitCode is 0 or 1, $"{call}: {end.Errors}");
            Assert.False(Directory.Exists($"{root}/restore/failed"), $"{call} was refused, and the archive was put away: {end.Errors}");

            using var world = new RestoreWorld(root: root);
            await world.Get<BackupApi.Catalog.BackupCatalog>().RefreshAsync(CancellationToken.None);
            var next = await world.StartAsync();
            Assert.True(next is { Failure: null, ReadOnlyReason: null }, $"{call}: {next.Failure?.Message} {next.ReadOnlyReason}");
            Assert.True(File.ReadAllText($"{world.Storage}/changed.txt") != "work of today", $"{call}: it was not restored");
            Assert.True(File.Exists($"{root}/restore/done/drop.tar.gz"), $"{call}: it was not put into done/");
            TreeRemoval.Remove(root);
        }
    }

    [Fact]
    public async Task A_restore_folder_that_takes_no_move_is_told_and_the_attempts_are_not_counted_against_the_archive()
    {
        using var world = new RestoreWorld(root: await PrepareAsync());
        for (var start = 0; start < 4; start++)
        {
            Shell.Run(world.Restore, "chattr +i drop.tar.gz");
            try
            {
                var result = await world.StartAsync();
                Assert.Contains("could not be claimed", Assert.Single(result.Waiting).Message, StringComparison.Ordinal);
            }
            finally
            {
                Shell.Run(world.Restore, "chattr -i drop.tar.gz");
            }
        }

        Assert.True((await world.StartAsync()).Restored!.Applied);
    }

    private async Task<List<(long Number, string Call)>> RenamesAndFlushesAsync() =>
        [.. KillPoint.Run("start", await PrepareAsync(), 0, trace: true).Errors.Split('\n').Select(line => line.Split(' ', 3))
            .Where(words => words.Length > 2 && (words[1].Contains("sync", StringComparison.Ordinal) || words[1].StartsWith("rename", StringComparison.Ordinal) || words[1].StartsWith("mkdir", StringComparison.Ordinal)))
            .Select(words => (long.Parse(words[0], CultureInfo.InvariantCulture), string.Join(' ', words)))];

    private async Task<string> PrepareAsync()
    {
        var root = temp.Folder($"round-{++rounds}");
        using var world = new RestoreWorld(root: root);
        File.WriteAllText($"{world.Storage}/changed.txt", "old");
        File.WriteAllText($"{world.Storage}/other.txt", "old");
        var backup = await world.BackUpAsync();
        File.Copy(backup.Path, $"{world.Restore}/drop.tar.gz");
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        File.WriteAllText($"{world.Storage}/other.txt", "work of today");
        return root;
    }
}
