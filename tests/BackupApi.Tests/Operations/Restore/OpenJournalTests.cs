using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>A journal that is still open when a restore is asked for: it is brought to its end first, or the restore is refused.</summary>
public sealed class OpenJournalTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public OpenJournalTests()
    {
        SampleTrees.WriteOld(world.Storage);
        TreeRemoval.Remove($"{world.Storage}/db");
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task It_is_ended_before_a_later_restore_and_never_continued_over_it()
    {
        File.WriteAllText($"{world.Storage}/changed.txt", "monday");
        var monday = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        Journals.Commit(world, "earlier", tree => File.WriteAllText($"{tree}/changed.txt", "earlier"));

        var result = await world.RestoreAsync(monday.Name);

        Assert.Contains(result.Warnings, warning => warning.Where == "earlier" && warning.Message.Contains("finished", StringComparison.Ordinal));
        Assert.Equal("monday", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
        Assert.Empty((await world.StartAsync()).Recovered);
        Assert.Equal("monday", File.ReadAllText($"{world.Storage}/changed.txt"));
        Assert.Equal(monday.Name, world.Get<LastRestore>().Find()!.BackupName);
    }

    [Fact]
    public async Task Under_an_application_that_is_running_nothing_is_moved_and_the_restore_is_refused()
    {
        File.WriteAllText($"{world.Storage}/changed.txt", "monday");
        var monday = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        Journals.Commit(world, "earlier", tree => File.WriteAllText($"{tree}/same.txt", "earlier"));
        using (await HolderProcess.StartAsync($"{world.Storage}/changed.txt", "held = open(path, 'r+b')"))
        {
            var refusal = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(monday.Name));

            Assert.Equal(Fault.StorageInUse, refusal.Fault);
            Assert.Contains("changed.txt", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("earlier", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("force", refusal.Hint, StringComparison.Ordinal);
            Assert.NotEqual("earlier", File.ReadAllText($"{world.Storage}/same.txt"));

            Assert.True((await world.RestoreAsync(new RestoreRequest { BackupName = monday.Name, Force = true })).Applied);
        }

        Assert.Empty((await world.StartAsync()).Recovered);
        Assert.Equal("monday", File.ReadAllText($"{world.Storage}/changed.txt"));
    }

    [Fact]
    public async Task One_that_cannot_be_read_refuses_a_restore_until_a_forced_one_of_everything_sets_it_aside()
    {
        var old = TreeImage.Of(world.Storage);
        var backup = await world.BackUpAsync();
        var journal = Journals.Commit(world, "earlier", tree => File.WriteAllText($"{tree}/changed.txt", "earlier"));
        File.AppendAllText($"{journal.Path}/plan.json", " ");

        var refusal = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));
        Assert.Equal(Fault.ReadOnly, refusal.Fault);
        Assert.Contains("'force'", refusal.Hint, StringComparison.Ordinal);
        Assert.Equal(Fault.ReadOnly, (await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true, Paths = ["same.txt"] }))).Fault);
        Assert.Equal(old, TreeImage.Of(world.Storage));

        var result = await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true });

        Assert.Contains(result.Warnings, warning => warning.Message.Contains("set aside", StringComparison.Ordinal));
        Assert.Equal("earlier", File.ReadAllText($"{world.Storage}/.backup/aside-{journal.Id}/new/changed.txt"));
        Assert.Null((await world.StartAsync()).ReadOnlyReason);
    }

    [Fact]
    public async Task A_restore_that_is_done_and_only_not_recorded_yet_is_recorded_before_a_later_one()
    {
        var monday = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/changed.txt", "today");
        var journal = Journals.Commit(world, "earlier", tree => File.WriteAllText($"{tree}/changed.txt", "earlier"));
        await JournaledSwap.RecoverAsync(journal, (_, _) => NoProblem());

        await world.RestoreAsync(monday.Name);
        await world.StartAsync();

        Assert.Equal(monday.Name, world.Get<LastRestore>().Find()!.BackupName);
    }

    private static Task<IReadOnlyList<Finding>> NoProblem() => Task.FromResult<IReadOnlyList<Finding>>([]);
}
