using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Whole operations killed, or given an error, at every call that changes something in storage, backups or the restore folder; then a start, as after a reboot.</summary>
public sealed class RestoreKillTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder temp = new();
    private int rounds;

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("restore", 197)]
    [InlineData("start", 197)]
    [InlineData("backup", 97)]
    [InlineData("undo-kept", 7)]
    [InlineData("heal", 197)]
    [InlineData("bare", 197)]
    public Task Killed_at_some_calls_storage_is_old_or_new_after_the_next_start(string what, int step) => KillAsync(what, step);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup")]
    [InlineData("rotation")]
    [InlineData("restore")]
    [InlineData("undo")]
    [InlineData("restore-kept")]
    [InlineData("undo-kept")]
    [InlineData("start")]
    [InlineData("bare")]
    [InlineData("heal")]
    public Task Killed_at_every_call_storage_is_old_or_new_after_the_next_start(string what) => KillAsync(what, 1);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("restore", 23, 5)]
    [InlineData("start", 29, 5)]
    public async Task Killed_again_while_it_recovers_storage_is_old_or_new_after_the_next_start(string what, int step, int again)
    {
        var template = await PrepareAsync(what);
        var calls = KillPoint.Run(template.Call, Copy(template), 0).Calls;
        var (kills, old, fresh) = (0, 0, 0);
        foreach (var n in KillShare.Of(calls, step))
        {
            for (long m = 1; ; m += again)
            {
                var root = Copy(template);
                KillPoint.Run(template.Call, root, n);
                if (!KillPoint.Run("start", root, m).WasKilled)
                {
                    TreeRemoval.Remove(root);
                    break;
                }

                kills++;
                _ = await NextLife.JudgeAsync(root, what, template, $"{what} killed at call {n} of {calls}, its recovery at {m}") ? fresh++ : old++;
                TreeRemoval.Remove(root);
            }
        }

        output.WriteLine($"{what} killed at every {step} of {calls} calls{KillShare.Shown}: {kills} recoveries killed, {old} ended old, {fresh} new");
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup", 5, false)]
    [InlineData("backup", 28, true)]
    [InlineData("restore", 5, false)]
    [InlineData("restore", 28, true)]
    [InlineData("restore", 30, true)]
    [InlineData("start", 5, false)]
    [InlineData("start", 28, true)]
    [InlineData("bare", 5, false)]
    [InlineData("bare", 28, true)]
    [InlineData("heal", 28, true)]
    public Task An_error_at_every_call_is_a_fault_with_a_hint_and_storage_is_old_or_new(string what, int errno, bool sticky) => FailAsync(what, errno, sticky, 1);

    [Theory]
    [InlineData("backup", 28, 97)]
    public Task An_error_at_some_calls_is_a_fault_with_a_hint_and_storage_is_old_or_new(string what, int errno, int step) => FailAsync(what, errno, true, step);

    private async Task FailAsync(string what, int errno, bool sticky, int step)
    {
        var template = await PrepareAsync(what);
        var calls = KillPoint.Run(template.Call, Copy(template), 0).Calls;
        var (old, fresh) = (0, 0);
        foreach (var n in KillShare.Of(calls, step))
        {
            var root = Copy(template);
            var end = KillPoint.Run(template.Call, root, n, errno, sticky);
            Assert.True(end.ExitCode is 0 or 1, $"errno {errno} at call {n}: exit {end.ExitCode} {end.Errors}");
            _ = await NextLife.JudgeAsync(root, what, template, $"{what}, errno {errno} at call {n} of {calls}: {end.Errors}", mayBePartial: true) ? fresh++ : old++;
            TreeRemoval.Remove(root);
        }

        output.WriteLine($"{what}, errno {errno}{(sticky ? " from there on" : "")}: {calls} calls, at every {step}{KillShare.Shown}: {old} ended old, {fresh} new");
    }

    private async Task KillAsync(string what, int step)
    {
        var template = await PrepareAsync(what);
        var calls = KillPoint.Run(template.Call, Copy(template), 0).Calls;
        var (old, fresh, whole) = (0, 0, 0);
        foreach (var n in KillShare.Of(calls, step))
        {
            var root = Copy(template);

            // Threads may make the last calls of one run a few more or fewer than those of another.
            whole += KillPoint.Run(template.Call, root, n).WasKilled ? 0 : 1;
            _ = await NextLife.JudgeAsync(root, what, template, $"{what} killed at call {n} of {calls}") ? fresh++ : old++;
            TreeRemoval.Remove(root);
        }

        Assert.True(whole <= 3, $"{whole} of {calls} calls were not reached");
        output.WriteLine($"{what}: {calls} calls, killed at every {step}{KillShare.Shown}: {old} ended old, {fresh} new, {whole} ended before their call");
    }

    private async Task<KillTemplate> PrepareAsync(string what)
    {
        var template = new KillTemplate(temp.Folder("template"), what);
        await template.PrepareAsync(temp["spare"]);
        return template;
    }

    private string Copy(KillTemplate template)
    {
        var root = temp[$"round-{++rounds}"];
        template.CopyTo(root);
        return root;
    }
}
