using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Files;

/// <summary>The file system of storage is shut down without a flush in the middle of a swap: what was not made durable is gone, and storage is old or new all the same.</summary>
public sealed class JournaledSwapPowerCutTests(ITestOutputHelper output) : IDisposable
{
    private readonly KillFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("ext4", 64, 31)]
    [InlineData("xfs", 320, 31)]
    public void Cut_at_some_calls_it_is_old_or_new_after_the_next_start(string kind, long megabytes, int step) => CutAtEvery(kind, megabytes, step);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("ext4", 64)]
    [InlineData("xfs", 320)]
    public void Cut_at_every_call_it_is_old_or_new_after_the_next_start(string kind, long megabytes) => CutAtEvery(kind, megabytes, 1);

    private void CutAtEvery(string kind, long megabytes, int step)
    {
        SampleTrees.WriteOld(Directory.CreateDirectory(temp["old"]).FullName);
        SampleTrees.WriteNew(Directory.CreateDirectory(temp["new"]).FullName);
        var (oldImage, newImage) = (TreeImage.Of(temp["old"]), TreeImage.Of(temp["new"]));
        var root = temp["disk"];
        using var mount = TestMount.Loop(temp["disk.img"], root, kind, megabytes);
        Prepare(root);
        var calls = KillPoint.Run("swap", root, 0).Calls;
        var (old, fresh) = (0, 0);
        foreach (var n in KillShare.Of(calls, step))
        {
            Prepare(root);
            Posix.FlushFileSystem(root);
            var end = KillPoint.Run("swap", root, n, cut: root);
            Assert.True(end.WasKilled, $"call {n} of {calls} was not reached");
            Assert.Equal("", end.Errors);
            mount.Remount();
            var recovery = KillPoint.Run("recover", root, 0);
            Assert.True(recovery.ExitCode == 0, $"{kind} cut at call {n} of {calls}: the recovery failed: {recovery.Errors}");
            var image = TreeImage.Of($"{root}/storage");
            Assert.True(image == oldImage || image == newImage, $"{kind} cut at call {n} of {calls}: storage is a mixture:\n{image}");
            _ = image == oldImage ? old++ : fresh++;
        }

        output.WriteLine($"{kind}: {calls} calls, cut at every {step}{KillShare.Shown}: {old} ended old, {fresh} new");
        Assert.True((old > 0 && fresh > 0) || KillShare.Shown.Length > 0);
    }

    private static void Prepare(string root)
    {
        TreeRemoval.Remove($"{root}/storage");
        SampleTrees.WriteOld(Directory.CreateDirectory($"{root}/storage").FullName);
    }
}
