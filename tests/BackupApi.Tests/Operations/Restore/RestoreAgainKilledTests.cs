using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Whole operations killed, and the start after it killed too, at every call; then a start.</summary>
[Collection(KillCollection.Name)]
public sealed class RestoreAgainKilledTests(KillTemplates templates, ITestOutputHelper output) : IDisposable
{
    private readonly KillFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("restore", 151, 41)]
    [InlineData("undo-kept", 61, 23)]
    public Task Killed_again_at_some_calls_while_it_recovers_storage_is_old_or_new_after_the_next_start(string what, int step, int again) => KillAsync(what, step, again);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup", 3)]
    [InlineData("rotation", 1)]
    [InlineData("restore", 11)]
    [InlineData("restore-kept", 11)]
    [InlineData("staging", 11)]
    [InlineData("staged", 11)]
    [InlineData("undo", 11)]
    [InlineData("undo-kept", 5)]
    [InlineData("start", 11)]
    [InlineData("bare", 7)]
    [InlineData("heal", 11)]
    public Task Killed_again_at_every_call_while_it_recovers_storage_is_old_or_new_after_the_next_start(string what, int step) => KillAsync(what, step, 1);

    private async Task KillAsync(string what, int step, int again)
    {
        var template = await templates.OfAsync(what);
        var disk = new KillDisk(temp.Path, "ext4");
        disk.Make(disk.Image("life-1"), template.CopyTo);
        var (operations, kills, old, fresh) = (0, 0, 0, 0);
        var findings = new KillFindings();
        using var operation = new StoppedRun(disk, disk.Image("life-1"), template.Call);
        while (operation.Next() is { } first)
        {
            if ((first.Number - 1) % step != 0 || !KillShare.Has((first.Number - 1) / step))
            {
                continue;
            }

            operations++;
            operation.CopyAsKilled(disk.Image("life-2"));
            using var recovery = new StoppedRun(disk, disk.Image("life-2"), template.NextCall);
            while (recovery.Next() is { } second)
            {
                // Another residue each time, so that the calls of all recoveries together are covered.
                if ((second.Number + operations) % again != 0)
                {
                    continue;
                }

                await findings.TryAsync($"killed at call {first.Number} ({first.Call}), its recovery at {second.Number} ({second.Call})", async () =>
                {
                    recovery.CopyAsKilled(disk.Image("life-3"));
                    using var mount = disk.Use(disk.Image("life-3"));
                    _ = await NextLife.JudgeAsync(disk.Mount, template) ? fresh++ : old++;
                });
                kills++;
            }

            var end = recovery.End();
            Assert.True(end.ExitCode == 0, $"{what} killed at call {first.Number} ({first.Call}): the recovery failed: {end.Errors}");
        }

        Assert.Equal(0, operation.End().ExitCode);
        output.WriteLine($"{what} killed at every {step} calls{KillShare.Shown}, {operations} in all: {kills} recoveries killed, at every {again}: {old} ended old, {fresh} new");
        findings.RequireNone();
    }
}
