using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

public sealed class RestoreFolderTests : IDisposable
{
    private readonly RestoreWorld world = new();
    private readonly string old;

    public RestoreFolderTests()
    {
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
        old = TreeImage.Of(world.Storage);
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_dropped_archive_is_restored_once_and_put_into_done()
    {
        await DropBackupAsync("mine.tar.gz");
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");

        var first = await world.StartAsync();
        Assert.True(first.Restored!.Applied);
        Assert.NotNull(first.Restored.SafetyBackup);
        Assert.Equal(old, TreeImage.Of(world.Storage));
        Assert.True(File.Exists($"{world.Restore}/done/mine.tar.gz"));

        File.WriteAllText($"{world.Storage}/changed.txt", "work of tomorrow");
        var second = await world.StartAsync();
        Assert.Null(second.Restored);
        Assert.Equal("work of tomorrow", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    [Fact]
    public async Task A_bad_archive_is_put_away_with_the_reason_and_storage_is_not_touched()
    {
        var drop = await DropBackupAsync("bad.tar.gz");
        using (var file = new FileStream(drop, FileMode.Open))
        {
            file.SetLength(file.Length - 100);
        }

        var start = await world.StartAsync();

        Assert.Equal(Fault.ArchiveDamaged, start.Failure!.Fault);
        Assert.Equal(old, TreeImage.Of(world.Storage));
        Assert.True(File.Exists($"{world.Restore}/failed/bad.tar.gz"));
        Assert.Contains("cannot be restored", File.ReadAllText($"{world.Restore}/failed/bad.tar.gz.reason.txt"), StringComparison.Ordinal);
        Assert.Equal("bad.tar.gz", Assert.Single(world.Get<RestoreFolder>().ListFailed()).Where);
        Assert.Empty(world.Get<RestoreFolder>().List());
    }

    [Fact]
    public async Task The_newest_is_taken_by_its_sequence_and_the_others_stay_and_are_named()
    {
        await DropBackupAsync("b-older.tar.gz");
        File.WriteAllText($"{world.Storage}/changed.txt", "newest");
        await DropBackupAsync("a-newer.tar.gz");
        TestMount.Run("tar", "cf", $"{world.Restore}/z_2099-01-01_000000.tar", "-C", world.Storage, ".");
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");

        var start = await world.StartAsync();

        Assert.Equal("a-newer.tar.gz", start.Restored!.BackupName);
        Assert.Equal("newest", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.Equal(["b-older.tar.gz", "z_2099-01-01_000000.tar"], start.Waiting.Select(w => w.Where).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.True(File.Exists($"{world.Restore}/b-older.tar.gz"));
    }

    [Theory]
    [InlineData("f = open(path, 'ab'); import threading, time\ndef grow():\n  while True:\n    f.write(b'x'); f.flush(); time.sleep(0.1)\nthreading.Thread(target=grow, daemon=True).start()")]
    [InlineData("held = open(path, 'ab')")]
    public async Task An_archive_that_is_still_being_copied_is_left_for_later(string copy)
    {
        var drop = await DropBackupAsync("slow.tar.gz");
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        using (await HolderProcess.StartAsync(drop, copy))
        {
            var start = await world.StartAsync();

            Assert.Null(start.Restored);
            Assert.Null(start.Failure);
            Assert.Contains("copied", Assert.Single(start.Waiting).Message, StringComparison.Ordinal);
        }

        Assert.True(File.Exists(drop));
        Assert.Equal("work of today", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    [Fact]
    public async Task A_storage_in_use_leaves_the_archive_where_it_is_and_names_who()
    {
        var drop = await DropBackupAsync("mine.tar.gz");
        File.WriteAllText($"{world.Storage}/changed.txt", "work of today");
        using var owner = await HolderProcess.StartAsync($"{world.Storage}/changed.txt", "held = open(path, 'r+b')");

        var start = await world.StartAsync();

        Assert.Equal(Fault.StorageInUse, start.Failure!.Fault);
        Assert.Contains("changed.txt", start.Failure.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(drop));
        Assert.Equal("mine.tar.gz", Assert.Single(start.Waiting).Where);
    }

    [Fact]
    public async Task A_claim_without_a_journal_is_taken_up_again_and_put_away_after_three_ends()
    {
        await DropBackupAsync("mine.tar.gz");
        var folder = world.Get<RestoreFolder>();
        for (var life = 1; life <= RestoreFolder.MaxAttempts; life++)
        {
            Assert.Empty(folder.ListFailed());
            folder.Claim(Assert.Single(folder.List()));

            // The service ends here; the next one starts.
            Assert.Single(folder.ReturnClaims(DateTimeOffset.UnixEpoch));
        }

        Assert.Empty(folder.List());
        Assert.Contains("ended 3 times", Assert.Single(folder.ListFailed()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kill_after_the_commit_point_finishes_the_archive_and_never_restores_it_again()
    {
        await DropBackupAsync("mine.tar.gz");
        var folder = world.Get<RestoreFolder>();
        folder.Claim(Assert.Single(folder.List()));
        var swap = SwapFolder.Create(world.Storage, "20261120T120000Z-0099");
        SampleTrees.WriteNew(swap.New);
        TreeRemoval.Remove($"{swap.New}/db");
        var live = TreeWalker.Walk(world.Storage, static (path, _) => SwapFolder.IsReserved(path));
        var steps = TreeCompare.Of(live, TreeWalker.Walk(swap.New), SwapRules.Everything(_ => false), CancellationToken.None).Steps;
        swap.WritePlan(new SwapPlan
        {
            Steps = steps,
            RootModified = new UnixTime(1, 0),
            CanExchange = true,
            Origin = System.Text.Json.JsonSerializer.SerializeToElement(new RestoreOrigin { BackupName = "mine.tar.gz", ArchivePath = "x", Claim = "mine.tar.gz", At = DateTimeOffset.UnixEpoch }, Json.Options),
        });
        swap.WriteState(SwapState.Commit);

        var start = await world.StartAsync();

        Assert.Null(start.Restored);
        Assert.Contains("finished", Assert.Single(start.Recovered).Message, StringComparison.Ordinal);
        Assert.Equal("new!", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.True(File.Exists($"{world.Restore}/done/mine.tar.gz"));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Fact]
    public async Task A_running_service_says_what_will_become_of_an_archive()
    {
        var good = await DropBackupAsync("good.tar.gz");
        var bad = await DropBackupAsync("bad.tar.gz");
        await File.WriteAllTextAsync(bad, "this is no archive");
        var inspect = world.Get<InspectDrops>();

        var first = await inspect.RunAsync(CancellationToken.None);
        var second = await inspect.RunAsync(CancellationToken.None);

        Assert.All(first, finding => Assert.Contains("still being copied", finding.Message, StringComparison.Ordinal));
        Assert.Contains("restored at the next start", second.Single(f => f.Where == "good.tar.gz").Message, StringComparison.Ordinal);
        Assert.Contains("refused", second.Single(f => f.Where == "bad.tar.gz").Message, StringComparison.Ordinal);
        Assert.True(File.Exists(good));
    }

    [Fact]
    public async Task Nothing_is_restored_where_it_was_switched_off()
    {
        using var off = new RestoreWorld(settings => settings with { AutoRestoreEnabled = false });
        File.WriteAllText($"{off.Storage}/a", "a");
        var backup = await off.BackUpAsync();
        File.Copy(backup.Path, $"{off.Restore}/mine.tar.gz");

        Assert.Null((await off.StartAsync()).Restored);
        Assert.True(File.Exists($"{off.Restore}/mine.tar.gz"));
    }

    private async Task<string> DropBackupAsync(string name)
    {
        var backup = await world.BackUpAsync();
        File.Copy(backup.Path, $"{world.Restore}/{name}");
        return $"{world.Restore}/{name}";
    }
}
