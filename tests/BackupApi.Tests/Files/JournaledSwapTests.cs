using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Files;

public sealed class JournaledSwapTests : IDisposable
{
    private readonly ITestOutputHelper output;
    private readonly TempFolder temp = new();
    private readonly string storage;
    private readonly string oldImage;
    private readonly string newImage;

    public JournaledSwapTests(ITestOutputHelper output)
    {
        this.output = output;
        storage = temp.Folder("storage");
        SampleTrees.WriteOld(storage);
        var other = temp.Folder("other");
        SampleTrees.WriteNew(other);
        oldImage = TreeImage.Of(storage);
        newImage = TreeImage.Of(other);
    }

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Storage_becomes_what_is_staged_and_the_root_keeps_its_own_facts(bool canExchange)
    {
        Posix.SetMode(storage, 0x1F8);
        Posix.SetModified(storage, new UnixTime(1_600_000_000, 42));
        var root = SwapAttributes.Of(Posix.Stat(storage));
        var (folder, plan) = Stage(canExchange);

        var end = await JournaledSwap.RunAsync(folder, plan, NoProblem, CancellationToken.None);
        folder.Remove();

        Assert.True(end.Applied);
        Assert.Equal(newImage, TreeImage.Of(storage));
        Assert.Equal(root, SwapAttributes.Of(Posix.Stat(storage)));
        Assert.Null(Posix.FindStat($"{storage}/.backup"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failed_check_in_place_takes_everything_back(bool canExchange)
    {
        var (folder, plan) = Stage(canExchange);

        var end = await JournaledSwap.RunAsync(folder, plan, _ => Task.FromResult<IReadOnlyList<Finding>>([new("app.sqlite", "no")]), CancellationToken.None);
        folder.Remove();

        Assert.False(end.Applied);
        Assert.Equal("no", Assert.Single(end.Problems).Message);
        Assert.Equal(oldImage, TreeImage.Of(storage));
    }

    [Fact]
    public void What_a_kill_left_of_the_trial_of_an_exchange_is_in_nobodys_way()
    {
        var folder = SwapFolder.Create(storage, "1");
        var canExchange = JournaledSwap.CanExchange(folder);
        Directory.CreateDirectory($"{folder.Path}/probe-1");
        Directory.CreateDirectory($"{folder.Path}/probe-2");

        Assert.Equal(canExchange, JournaledSwap.CanExchange(folder));
        Assert.False(canExchange && Directory.Exists($"{folder.Path}/probe-1"));
    }

    [Fact]
    public async Task A_verifier_that_throws_takes_everything_back()
    {
        var (folder, plan) = Stage();

        var end = await JournaledSwap.RunAsync(folder, plan, _ => throw new InvalidOperationException("a bug"), CancellationToken.None);

        Assert.False(end.Applied);
        Assert.Equal(oldImage, TreeImage.Of(storage));
    }

    [Fact]
    public async Task What_is_identical_is_neither_moved_nor_touched()
    {
        var before = Posix.Stat($"{storage}/same.txt");
        var deep = Posix.Stat($"{storage}/deep/a/b/same");
        var (folder, plan) = Stage();

        await JournaledSwap.RunAsync(folder, plan, NoProblem, CancellationToken.None);

        Assert.Equal(before.Fingerprint, Posix.Stat($"{storage}/same.txt").Fingerprint);
        Assert.Equal(deep.Fingerprint, Posix.Stat($"{storage}/deep/a/b/same").Fingerprint);
        Assert.Contains(plan.Steps, step => step is { Path: "whole", Action: SwapAction.Exchange });
        Assert.DoesNotContain(plan.Steps, step => step.Path.StartsWith("whole/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_that_is_kept_stays_in_its_folder_while_all_around_it_is_exchanged()
    {
        var held = Posix.Stat($"{storage}/db/LOCK");
        var (folder, plan) = Stage(keeps: path => path == "db/LOCK");

        await JournaledSwap.RunAsync(folder, plan, NoProblem, CancellationToken.None);

        Assert.Equal(held.Fingerprint, Posix.Stat($"{storage}/db/LOCK").Fingerprint);
        Assert.Equal("MANIFEST-000002\n", File.ReadAllText($"{storage}/db/CURRENT"));
        Assert.False(File.Exists($"{storage}/db/000003.log"));
    }

    [Fact]
    public async Task Recovery_after_the_commit_point_goes_forward_and_is_idempotent()
    {
        var (folder, plan) = Stage();
        folder.WritePlan(plan);
        folder.WriteState(SwapState.Commit);

        for (var i = 0; i < 2; i++)
        {
            var end = await JournaledSwap.RecoverAsync(Assert.Single(SwapFolder.FindAll(storage)), (_, ct) => NoProblem(ct));
            Assert.True(end!.Applied);
            Assert.Equal(newImage, TreeImage.Of(storage));
        }
    }

    [Fact]
    public async Task Recovery_before_the_commit_point_removes_what_was_staged()
    {
        var (folder, plan) = Stage();
        folder.WritePlan(plan);

        Assert.Null(await JournaledSwap.RecoverAsync(Assert.Single(SwapFolder.FindAll(storage)), (_, ct) => NoProblem(ct)));

        Assert.Equal(oldImage, TreeImage.Of(storage));
        Assert.Null(Posix.FindStat($"{storage}/.backup"));
    }

    [Fact]
    public async Task What_an_application_wrote_between_the_kill_and_the_recovery_is_not_moved_away()
    {
        var (folder, plan) = Stage();
        folder.WritePlan(plan);
        folder.WriteState(SwapState.Commit);
        var moves = new SwapMoves(folder, plan);
        for (var i = 0; i < plan.Steps.Count; i++)
        {
            moves.Forward(i);
        }

        File.WriteAllText($"{storage}/app.sqlite-wal", "written after the restore");
        await JournaledSwap.RecoverAsync(folder, (_, ct) => NoProblem(ct));

        Assert.Equal("written after the restore", File.ReadAllText($"{storage}/app.sqlite-wal"));
    }

    [Fact]
    public async Task A_plan_that_was_altered_after_the_commit_is_refused()
    {
        var (folder, plan) = Stage();
        folder.WritePlan(plan);
        folder.WriteState(SwapState.Commit);
        File.AppendAllText($"{folder.Path}/plan.json", " ");

        var failure = await Assert.ThrowsAsync<BackupException>(() => JournaledSwap.RecoverAsync(folder, (_, ct) => NoProblem(ct)));

        Assert.Equal(Fault.ReadOnly, failure.Fault);
        Assert.Equal(oldImage, TreeImage.Of(storage));
    }

    [Fact]
    public async Task Past_the_commit_point_the_end_of_the_service_stops_nothing()
    {
        var (folder, plan) = Stage();
        using var stop = new CancellationTokenSource();

        var end = await JournaledSwap.RunAsync(
            folder,
            plan,
            async token =>
            {
                await stop.CancelAsync();
                token.ThrowIfCancellationRequested();
                return [];
            },
            stop.Token);

        Assert.True(end.Applied);
        Assert.Equal(newImage, TreeImage.Of(storage));
    }

    [Fact]
    public async Task A_cancelled_restore_does_not_begin()
    {
        var (folder, plan) = Stage();

        await Assert.ThrowsAsync<OperationCanceledException>(() => JournaledSwap.RunAsync(folder, plan, NoProblem, new CancellationToken(true)));

        Assert.Equal(SwapState.Unfinished, folder.ReadState());
        Assert.Equal(oldImage, TreeImage.Of(storage));
    }

    [Fact]
    public async Task A_thousand_names_are_swapped_within_a_second()
    {
        // The best of three: the machine may be busy with something else.
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 3 && best > TimeSpan.FromSeconds(1); i++)
        {
            var root = temp.Folder($"many-{i}");
            SampleTrees.WriteMany(root, 1000, "old ");
            var folder = SwapFolder.Create(root, "1");
            SampleTrees.WriteMany(folder.New, 1000, "new ");
            var plan = Plan(root, folder, true, _ => false);
            Assert.Equal(1000, plan.Steps.Count);
            Posix.FlushFileSystem(root);

            var clock = Stopwatch.StartNew();
            await JournaledSwap.RunAsync(folder, plan, NoProblem, CancellationToken.None);
            best = clock.Elapsed < best ? clock.Elapsed : best;
        }

        output.WriteLine($"1,000 top-level names swapped in {best.TotalMilliseconds:F0} ms, from the plan to the state Done");
        Assert.True(best < TimeSpan.FromSeconds(1), $"It took {best}.");
    }

    internal static Task<IReadOnlyList<Finding>> NoProblem(CancellationToken ct) => Task.FromResult<IReadOnlyList<Finding>>([]);

    internal static SwapPlan Plan(string root, SwapFolder folder, bool canExchange, Func<string, bool> keeps)
    {
        var live = TreeWalker.Walk(root, static (path, _) => SwapFolder.IsReserved(path));
        var difference = TreeCompare.Of(live, TreeWalker.Walk(folder.New), SwapRules.Everything(keeps), CancellationToken.None);
        SwapPreflight.Require(live, difference.Steps);
        return new SwapPlan { Steps = difference.Steps, RootModified = Posix.Stat(root).Modified, CanExchange = canExchange };
    }

    private (SwapFolder Folder, SwapPlan Plan) Stage(bool canExchange = true, Func<string, bool>? keeps = null)
    {
        var folder = SwapFolder.Create(storage, "20261120T120000Z-0001");
        SampleTrees.WriteNew(folder.New);
        return (folder, Plan(storage, folder, canExchange, keeps ?? (_ => false)));
    }
}
