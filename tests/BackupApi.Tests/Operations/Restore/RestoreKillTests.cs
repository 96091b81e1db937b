using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Whole operations killed at every call that changes something in storage, backups or the restore folder; then a start, as after a reboot.</summary>
[Collection(KillCollection.Name)]
public sealed class RestoreKillTests(KillTemplates templates, ITestOutputHelper output) : IDisposable
{
    private readonly KillFolder temp = new();
    private int rounds;

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("backup", 41)]
    [InlineData("rotation", 4)]
    [InlineData("restore", 163)]
    [InlineData("restore-kept", 163)]
    [InlineData("stage", 163)]
    [InlineData("staged", 163)]
    [InlineData("undo", 163)]
    [InlineData("undo-kept", 67)]
    [InlineData("start", 163)]
    [InlineData("bare", 83)]
    [InlineData("heal", 163)]
    public Task Killed_at_some_calls_storage_is_old_or_new_after_the_next_start(string what, int step) => KillAsync(what, step);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup")]
    [InlineData("rotation")]
    [InlineData("restore")]
    [InlineData("restore-kept")]
    [InlineData("stage")]
    [InlineData("staged")]
    [InlineData("undo")]
    [InlineData("undo-kept")]
    [InlineData("start")]
    [InlineData("bare")]
    [InlineData("heal")]
    public Task Killed_at_every_call_storage_is_old_or_new_after_the_next_start(string what) => KillAsync(what, 1);

    /// <summary>The same by copies of a disk whose user is stopped: cheap enough to be done whole at every change.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup")]
    [InlineData("rotation")]
    [InlineData("restore")]
    [InlineData("restore-kept")]
    [InlineData("stage")]
    [InlineData("staged")]
    [InlineData("undo")]
    [InlineData("undo-kept")]
    [InlineData("start")]
    [InlineData("bare")]
    [InlineData("heal")]
    public async Task As_a_kill_at_every_call_leaves_it_storage_is_old_or_new_after_the_next_start(string what)
    {
        var template = await templates.OfAsync(what);
        var disk = new KillDisk(temp.Path, "ext4");
        disk.Make(disk.Image("full"), template.CopyTo);
        var (calls, looks, old, fresh) = (0L, 0, 0, 0);
        var findings = new KillFindings();
        using var operation = new StoppedRun(disk, disk.Image("full"), template.Call);
        while (operation.Next() is { } stop)
        {
            calls = stop.Number;
            if (!KillShare.Has(stop.Number - 1))
            {
                continue;
            }

            looks++;
            await findings.TryAsync($"as killed at call {stop.Number} ({stop.Call})", async () =>
            {
                operation.CopyAsKilled(disk.Image("killed"));
                using var mount = disk.Use(disk.Image("killed"));
                _ = await NextLife.JudgeAsync(disk.Mount, template) ? fresh++ : old++;
            });
        }

        Assert.Equal(0, operation.End().ExitCode);
        output.WriteLine($"{what}: {calls} calls, as killed at {looks}{KillShare.Shown}: {old} ended old, {fresh} new");
        findings.RequireNone();
    }

    private async Task KillAsync(string what, int step)
    {
        var template = await templates.OfAsync(what);
        var calls = KillPoint.Run(template.Call, Copy(template), 0).Calls;
        var (old, fresh, whole) = (0, 0, 0);
        var findings = new KillFindings();
        foreach (var n in KillShare.Of(calls, step))
        {
            var root = Copy(template);
            await findings.TryAsync($"killed at call {n}", async () =>
            {
                // Threads may make the last calls of one run a few more or fewer than those of another.
                whole += KillPoint.Run(template.Call, root, n).WasKilled ? 0 : 1;
                _ = await NextLife.JudgeAsync(root, template) ? fresh++ : old++;
            });
            TreeRemoval.Remove(root);
        }

        output.WriteLine($"{what}: {calls} calls, killed at every {step}{KillShare.Shown}: {old} ended old, {fresh} new, {whole} ended before their call");
        Assert.True(whole <= 3, $"{whole} of {calls} calls were not reached");
        findings.RequireNone();
    }

    private string Copy(KillTemplate template)
    {
        var root = temp[$"round-{++rounds}"];
        template.CopyTo(root);
        return root;
    }
}
