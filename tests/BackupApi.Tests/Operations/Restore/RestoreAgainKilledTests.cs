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
    [InlineData("restore", 211, 47, 41)]
    [InlineData("staged", 97, 47, 41)]
    public Task Killed_again_at_some_calls_while_it_recovers_storage_is_old_or_new_after_the_next_start(string what, int before, int behind, int again) => KillAsync(what, before, behind, again);

    /// <summary>Before the commit point one state differs from the next by a file that is removed; a start that restores or heals begins anew, which the kills of <see cref="RestoreKillTests"/> show. Behind it each is another.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup", 3, 1)]
    [InlineData("rotation", 1, 1)]
    [InlineData("restore", 37, 3)]
    [InlineData("restore-kept", 37, 2)]
    [InlineData("stage", 37, 2)]
    [InlineData("staged", 17, 5)]
    [InlineData("undo", 37, 3)]
    [InlineData("undo-kept", 3, 3)]
    [InlineData("start", 97, 5)]
    [InlineData("bare", 23, 3)]
    [InlineData("heal", 97, 5)]
    public Task Killed_again_at_every_call_while_it_recovers_storage_is_old_or_new_after_the_next_start(string what, int before, int behind) => KillAsync(what, before, behind, 1);

    /// <param name="before">Every how many calls the operation is killed before its commit point.</param>
    /// <param name="behind">The same behind it.</param>
    /// <param name="again">Every how many calls of the recovery.</param>
    private async Task KillAsync(string what, int before, int behind, int again)
    {
        var template = await templates.OfAsync(what);
        var disk = new KillDisk(temp.Path, "ext4");
        disk.Make(disk.Image("life-1"), template.CopyTo);
        var (operations, kills, old, fresh, committed) = (0, 0, 0, 0, 0L);
        var findings = new KillFindings();
        using var operation = new StoppedRun(disk, disk.Image("life-1"), template.Call);
        while (operation.Next() is { } first)
        {
            // The state is written under another name and renamed.
            committed = committed == 0 && first.Path.EndsWith("/state.partial", StringComparison.Ordinal) ? first.Number : committed;
            var step = committed == 0 ? before : behind;
            if ((first.Number - 1 - committed) % step != 0 || !KillShare.Has((first.Number - 1 - committed) / step))
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
        output.WriteLine($"{what} killed at every {before} calls before its commit point (call {committed}) and every {behind} behind it{KillShare.Shown}, {operations} in all: {kills} recoveries killed, at every {again}: {old} ended old, {fresh} new");
        findings.RequireNone();
    }
}
