using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Files;

/// <summary>A swap killed, or given an error, at every call that writes, renames, links, truncates, flushes or deletes: storage is old or new, whole.</summary>
public sealed class JournaledSwapKillTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Every how many calls the plain run strikes; the long run strikes at every one.</summary>
    private const int Sample = 23;

    private readonly KillFolder temp = new();
    private int rounds;

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("swap")]
    [InlineData("swap-without-exchange")]
    public void Killed_at_some_calls_it_is_old_or_new_after_recovery(string what) => KillAtEvery(what, Sample);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("swap")]
    [InlineData("swap-without-exchange")]
    public void Killed_at_every_call_it_is_old_or_new_after_recovery(string what) => KillAtEvery(what, 1);

    [Theory]
    [InlineData("swap", 71, 13)]
    public void Killed_again_while_it_recovers_at_some_calls_it_is_old_or_new_after_the_next_recovery(string what, int step, int again) => KillAgain(what, step, again);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("swap")]
    [InlineData("swap-without-exchange")]
    public void Killed_again_while_it_recovers_at_every_call_it_is_old_or_new_after_the_next_recovery(string what) => KillAgain(what, 1, 1);

    [Theory]
    [InlineData(5, false)]
    [InlineData(28, true)]
    public void An_error_at_some_calls_leaves_old_or_new(int errno, bool sticky) => FailAtEvery(errno, sticky, Sample);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(5, false)]
    [InlineData(5, true)]
    [InlineData(28, false)]
    [InlineData(28, true)]
    [InlineData(30, true)]
    public void An_error_at_every_call_leaves_old_or_new(int errno, bool sticky) => FailAtEvery(errno, sticky, 1);

    private void KillAtEvery(string what, int step)
    {
        var (oldImage, newImage) = Images();
        var calls = KillPoint.Run(what, Prepare(), 0).Calls;
        var ends = new Dictionary<string, int>(StringComparer.Ordinal) { ["old"] = 0, ["new"] = 0 };
        foreach (var n in KillShare.Of(calls, step))
        {
            var root = Prepare();
            Assert.True(KillPoint.Run(what, root, n).WasKilled, $"call {n} of {calls} was not reached");
            Recover(root);
            ends[Judge(root, oldImage, newImage, $"{what} killed at call {n} of {calls}")]++;
            TreeRemoval.Remove(root);
        }

        output.WriteLine($"{what}: {calls} calls, struck at every {step}{KillShare.Shown}: {ends["old"]} ended old, {ends["new"]} new");
        Assert.True((ends["old"] > 0 && ends["new"] > 0) || KillShare.Shown.Length > 0);
    }

    private void KillAgain(string what, int step, int again)
    {
        var (oldImage, newImage) = Images();
        var disk = new KillDisk(temp.Path, "ext4");
        disk.Make(disk.Image("life-1"), root => SampleTrees.WriteOld(Directory.CreateDirectory($"{root}/storage").FullName));
        var (operations, kills) = (0, 0);
        using var swap = new StoppedRun(disk, disk.Image("life-1"), what);
        while (swap.Next() is { } first)
        {
            if ((first.Number - 1) % step != 0 || !KillShare.Has((first.Number - 1) / step))
            {
                continue;
            }

            operations++;
            swap.CopyAsKilled(disk.Image("life-2"));
            using var recovery = new StoppedRun(disk, disk.Image("life-2"), "recover");
            while (recovery.Next() is { } second)
            {
                if ((second.Number + operations) % again == 0)
                {
                    kills++;
                    recovery.CopyAsKilled(disk.Image("life-3"));
                    using var mount = disk.Use(disk.Image("life-3"));
                    Recover(disk.Mount);
                    Judge(disk.Mount, oldImage, newImage, $"{what} killed at call {first.Number} ({first.Call}), its recovery at {second.Number} ({second.Call})");
                }
            }

            Assert.Equal(0, recovery.End().ExitCode);
        }

        Assert.Equal(0, swap.End().ExitCode);
        output.WriteLine($"{what} killed at every {step} calls{KillShare.Shown}, {operations} in all: {kills} recoveries killed, at every {again}");
    }

    private void FailAtEvery(int errno, bool sticky, int step)
    {
        var (oldImage, newImage) = Images();
        using var server = new KillServer(temp.Path);
        var calls = server.Run("swap", Prepare(), 0, 0, false).Calls;
        var ends = new Dictionary<string, int>(StringComparer.Ordinal) { ["old"] = 0, ["new"] = 0 };
        foreach (var n in KillShare.Of(calls, step))
        {
            var root = Prepare();
            var end = server.Run("swap", root, n, errno, sticky);
            Assert.True(end.ExitCode is 0 or 1, $"errno {errno} at call {n}: exit {end.ExitCode} {end.Errors}");
            if (!sticky && end.ExitCode == 1)
            {
                // What failed once and was reported as failed must not have changed anything, before any recovery.
                var isOpen = SwapFolder.FindAll($"{root}/storage").Any(folder => folder.ReadState() is SwapState.Commit or SwapState.Rollback or SwapState.Done);
                Assert.True(isOpen || TreeImage.Of($"{root}/storage") == oldImage, $"errno {errno} at call {n}: {end.Errors}");
            }

            Recover(root);
            ends[Judge(root, oldImage, newImage, $"errno {errno} at call {n} of {calls}: {end.Errors}")]++;
            TreeRemoval.Remove(root);
        }

        output.WriteLine($"errno {errno}{(sticky ? " from there on" : "")}: {calls} calls, struck at every {step}{KillShare.Shown}: {ends["old"]} ended old, {ends["new"]} new");
    }

    private static void Recover(string root)
    {
        // In this process: nothing is to be killed here, and a process costs a tenth of a second.
        var storage = $"{root}/storage";
        foreach (var folder in SwapFolder.FindAll(storage))
        {
            if (JournaledSwap.RecoverAsync(folder, static (_, ct) => JournaledSwapTests.NoProblem(ct)).GetAwaiter().GetResult() is not null)
            {
                folder.Remove();
            }
        }

        SwapFolder.RemoveDiscarded(storage);
    }

    private static string Judge(string root, string oldImage, string newImage, string when)
    {
        var image = TreeImage.Of($"{root}/storage");
        Assert.True(image == oldImage || image == newImage, $"{when}: storage is a mixture:\n{image}");
        Assert.True(Posix.FindStat($"{root}/storage/.backup") is null, $"{when}: something was left behind");
        return image == oldImage ? "old" : "new";
    }

    private (string Old, string New) Images()
    {
        SampleTrees.WriteOld(Directory.CreateDirectory(temp["old"]).FullName);
        SampleTrees.WriteNew(Directory.CreateDirectory(temp["new"]).FullName);
        return (TreeImage.Of(temp["old"]), TreeImage.Of(temp["new"]));
    }

    private string Prepare()
    {
        var root = temp[$"round-{++rounds}"];
        SampleTrees.WriteOld(Directory.CreateDirectory($"{root}/storage").FullName);
        return root;
    }
}
