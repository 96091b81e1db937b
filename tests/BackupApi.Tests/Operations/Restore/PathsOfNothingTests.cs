using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>A path that is not in the backup brings nothing back, and says so: a success without a word would be believed.</summary>
public sealed class PathsOfNothingTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public PathsOfNothingTests()
    {
        File.WriteAllText($"{world.Storage}/a.txt", "first");
        Directory.CreateDirectory($"{world.Storage}/sub/deep");
        File.WriteAllText($"{world.Storage}/sub/deep/b.txt", "first");
        world.AddDatabase("sqlite/a-clean", "sql");
    }

    public void Dispose() => world.Dispose();

    [Theory]
    [InlineData("A.txt")]
    [InlineData("a.txt/x")]
    [InlineData("*.csv")]
    [InlineData("sub/b.txt")]
    [InlineData("sub/?.txt")]
    [InlineData("new.txt")]
    public async Task None_of_the_paths_is_in_it(string path)
    {
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/new.txt", "mine");
        var before = TreeImage.Of(world.Storage);

        var failure = await Assert.ThrowsAsync<BackupException>(() => RestoreAsync(backup, path));
        var planned = await PlanAsync(backup, path);

        Assert.Equal(Fault.NotFound, failure.Fault);
        Assert.Contains($"'{path}'", failure.Message, StringComparison.Ordinal);
        Assert.Equal(failure.Message, planned.Refusal?.Message);
        Assert.Equal(before, TreeImage.Of(world.Storage));
    }

    [Fact]
    public async Task One_of_several_is_not_in_it()
    {
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/a.txt", "second");

        var planned = await PlanAsync(backup, "a.txt", "b.txt", "**/*.csv");
        var result = await RestoreAsync(backup, "a.txt", "b.txt", "**/*.csv");

        Assert.Equal("first", File.ReadAllText($"{world.Storage}/a.txt"));
        Assert.Equal(["**/*.csv", "b.txt"], result.Warnings.Select(warning => warning.Where));
        Assert.Equal(["**/*.csv", "b.txt"], planned.Warnings.Select(warning => warning.Where));
        Assert.Null(planned.Refusal);
    }

    [Theory]
    [InlineData("sub")]
    [InlineData("sub/")]
    [InlineData("sub/deep/b.txt")]
    [InlineData("sub/*/b.txt")]
    [InlineData("**/b.txt")]
    [InlineData("**")]
    [InlineData("sub/**")]
    [InlineData("s?b")]
    [InlineData("sql/data.db")]
    [InlineData("sql/data.db-wal")]
    public async Task What_is_in_it_is_told_by_no_word_too_many(string path)
    {
        if (path.EndsWith("-wal", StringComparison.Ordinal))
        {
            File.WriteAllBytes($"{world.Storage}/sql/data.db-wal", []);
        }

        var backup = await world.BackUpAsync();

        var planned = await PlanAsync(backup, path);
        Assert.Null(planned.Refusal);
        Assert.Empty(planned.Warnings);
        Assert.Empty((await RestoreAsync(backup, path)).Warnings);
    }

    [Fact]
    public async Task A_dry_run_of_anything_touches_nothing_and_counts_what_the_restore_then_does()
    {
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/a.txt", "second");
        File.Delete($"{world.Storage}/sub/deep/b.txt");
        File.WriteAllText($"{world.Storage}/new.txt", "mine");
        Directory.CreateDirectory($"{world.Storage}/new/er");
        var before = TreeImage.Of(world.Temp.Path);

        var planned = await PlanAsync(backup);

        Assert.Equal(before, TreeImage.Of(world.Temp.Path));
        Assert.Equal(["a.txt"], planned.Replaced);
        Assert.Equal(["sub/deep/b.txt"], planned.Added);
        Assert.Equal(["new", "new.txt", "new/er"], planned.Removed.Order(StringComparer.Ordinal));
        var result = await world.RestoreAsync(backup.Name);
        Assert.Equal(planned.UnchangedCount, result.Unchanged);
        Assert.Null(Posix.FindStat($"{world.Storage}/new"));
    }

    private Task<RestoreResult> RestoreAsync(Backup backup, params string[] paths) => world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Paths = paths });

    private Task<RestorePreview> PlanAsync(Backup backup, params string[] paths) =>
        world.Get<PlanRestore>().RunAsync(new RestoreRequest { BackupName = backup.Name, Paths = paths }, backup, CancellationToken.None);
}
