using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>A restore that waits for the next start, and what ends its waiting.</summary>
public sealed class StagedRestoreTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public StagedRestoreTests()
    {
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
    }

    public void Dispose() => world.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_later_restore_that_was_put_in_place_calls_off_the_one_that_waited(bool isForced)
    {
        var (monday, tuesday) = await BackUpTwiceAsync();
        var owner = await StageAsync(monday);
        if (!isForced)
        {
            owner.Dispose();
        }

        var result = await world.RestoreAsync(new RestoreRequest { BackupName = tuesday.Name, Force = isForced });
        Assert.True(result.Applied);
        Assert.Contains(result.Warnings, warning => warning.Where == monday.Name && warning.Message.Contains("waited", StringComparison.Ordinal));
        if (isForced)
        {
            owner.Dispose();
        }

        await RequireNothingComesAsync("tuesday");
    }

    [Fact]
    public async Task A_later_restore_of_some_paths_calls_it_off_too()
    {
        var (monday, tuesday) = await BackUpTwiceAsync();
        using (await StageAsync(monday))
        {
            Assert.True((await world.RestoreAsync(new RestoreRequest { BackupName = tuesday.Name, Paths = ["changed.txt"], Force = true })).Applied);
        }

        await RequireNothingComesAsync("tuesday");
    }

    [Fact]
    public async Task A_later_undo_calls_it_off_too()
    {
        var (monday, tuesday) = await BackUpTwiceAsync();
        await world.RestoreAsync(tuesday.Name);
        using (await StageAsync(monday))
        {
        }

        Assert.True((await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false))).Applied);

        await RequireNothingComesAsync("today");
    }

    [Fact]
    public async Task A_later_undo_by_kept_files_calls_it_off_too()
    {
        var (monday, tuesday) = await BackUpTwiceAsync();
        await world.RestoreWithoutRoomAsync(tuesday.Name);
        using (await StageAsync(monday))
        {
        }

        Assert.True((await world.UndoByKeptFilesAsync()).Applied);

        await RequireNothingComesAsync("today");
    }

    [Fact]
    public async Task A_later_restore_that_a_kill_cut_short_calls_it_off_when_it_is_finished()
    {
        var (monday, tuesday) = await BackUpTwiceAsync();
        using (await StageAsync(monday))
        {
        }

        Journals.Commit(world, tuesday.Name, tree => File.WriteAllText($"{tree}/changed.txt", "tuesday"));

        var start = await world.StartAsync();

        Assert.Null(start.Restored);
        Assert.Equal([tuesday.Name, monday.Name], start.Recovered.Select(told => told.Where));
        Assert.Contains("called off", start.Recovered[1].Message, StringComparison.Ordinal);
        await RequireNothingComesAsync("tuesday");
    }

    [Fact]
    public async Task One_that_the_disk_refuses_stays_staged_and_is_whole_at_the_next_start()
    {
        var image = TreeImage.Of(world.Storage);
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        File.WriteAllText($"{world.Storage}/deep/a/b/changed", "today");
        TreeRemoval.Remove($"{world.Storage}/whole");
        using (await StageAsync(backup))
        {
        }

        Shell.Run(world.Storage, "chattr +i deep/a/b/changed");
        try
        {
            var refused = await world.StartAsync();
            Assert.Equal(Fault.PermissionDenied, refused.Failure!.Fault);
            Assert.Contains("stays staged", Assert.Single(refused.Staged).Message, StringComparison.Ordinal);
        }
        finally
        {
            Shell.Run(world.Storage, "chattr -i deep/a/b/changed");
        }

        Assert.Equal("today", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.True((await world.StartAsync()).Restored!.Applied);
        Assert.Equal(image, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task One_whose_tree_no_longer_verifies_is_called_off_and_says_so()
    {
        world.AddDatabase("sqlite/a-clean", "sql");
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        using (await StageAsync(backup))
        {
        }

        Shell.Run(Assert.Single(Directory.GetDirectories($"{world.Storage}/.backup")), "dd if=/dev/urandom of=new/sql/data.db bs=1024 seek=4 count=8 conv=notrunc status=none");

        var start = await world.StartAsync();

        Assert.Equal(Fault.VerificationFailed, start.Failure!.Fault);
        Assert.Contains("called off", Assert.Single(start.Staged).Message, StringComparison.Ordinal);
        await RequireNothingComesAsync("today");
    }

    [Fact]
    public async Task A_restore_into_a_folder_beside_does_not_call_it_off()
    {
        var (monday, tuesday) = await BackUpTwiceAsync();
        using (await StageAsync(monday))
        {
        }

        await world.RestoreAsync(new RestoreRequest { BackupName = tuesday.Name, To = "beside" });

        Assert.Equal(monday.Name, (await world.StartAsync()).Restored!.BackupName);
        Assert.Equal("monday", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    private async Task<(Backup Monday, Backup Tuesday)> BackUpTwiceAsync()
    {
        File.WriteAllText($"{world.Storage}/changed.txt", "monday");
        var monday = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "tuesday");
        var tuesday = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        return (monday, tuesday);
    }

    private async Task<HolderProcess> StageAsync(Backup backup)
    {
        var owner = await HolderProcess.StartAsync($"{world.Storage}/changed.txt", "held = open(path, 'r+b')");
        Assert.False((await world.RestoreAsync(backup.Name)).Applied);
        return owner;
    }

    private async Task RequireNothingComesAsync(string content)
    {
        Assert.Equal(content, File.ReadAllText($"{world.Storage}/changed.txt"));
        var start = await world.StartAsync();
        Assert.True(start is { Restored: null, Failure: null });
        Assert.Equal(content, File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }
}
