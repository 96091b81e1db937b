using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>The disk that holds storage, backups and the restore folder loses its power in the middle of a whole operation; then a start, as after a reboot.</summary>
[Collection(KillCollection.Name)]
public sealed class RestorePowerCutTests(KillTemplates templates, ITestOutputHelper output) : IDisposable
{
    private readonly KillFolder temp = new();

    public static TheoryData<string, string> Rows
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var what in new[] { "backup", "rotation", "restore", "restore-kept", "stage", "staged", "undo", "undo-kept", "start", "bare", "heal" })
            {
                rows.Add(what, "ext4");
                rows.Add(what, "xfs");
            }

            return rows;
        }
    }

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("backup", "xfs", 29)]
    [InlineData("restore", "ext4", 43)]
    [InlineData("undo-kept", "xfs", 29)]
    [InlineData("start", "xfs", 53)]
    [InlineData("heal", "ext4", 53)]
    public Task Cut_at_some_calls_it_is_old_or_new_after_the_next_start(string what, string kind, int step) => CutAsync(what, kind, step);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Rows))]
    public Task Cut_at_every_call_it_is_old_or_new_after_the_next_start(string what, string kind) => CutAsync(what, kind, 1);

    /// <summary>The same by the kernel's own means: what the copies of the other tests stand for.</summary>
    [Theory]
    [InlineData("restore", "ext4", 199)]
    public Task Shut_down_at_some_calls_it_is_old_or_new_after_the_next_start(string what, string kind, int step) => ShutDownAsync(what, kind, step);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("restore", "ext4", 7)]
    [InlineData("restore", "xfs", 7)]
    [InlineData("start", "ext4", 7)]
    [InlineData("undo-kept", "xfs", 3)]
    public Task Shut_down_at_many_calls_it_is_old_or_new_after_the_next_start(string what, string kind, int step) => ShutDownAsync(what, kind, step);

    private async Task CutAsync(string what, string kind, int step)
    {
        var (template, disk) = await PrepareAsync(what, kind);
        var (calls, cuts, states, old, fresh, isNew) = (0L, 0, 0, 0, 0, false);
        var findings = new KillFindings();
        using var operation = new StoppedRun(disk, disk.Image("full"), template.Call);
        while (operation.Next() is { } stop)
        {
            calls = stop.Number;
            if ((stop.Number - 1) % step != 0 || !KillShare.Has((stop.Number - 1) / step))
            {
                continue;
            }

            cuts++;
            await findings.TryAsync($"cut at call {stop.Number} ({stop.Call})", async () =>
            {
                if (operation.CopyAsCut(disk.Image("cut")))
                {
                    states++;
                    using var mount = disk.Use(disk.Image("cut"));
                    isNew = await NextLife.JudgeAsync(disk.Mount, template);
                }

                _ = isNew ? fresh++ : old++;
            });
        }

        Assert.Equal(0, operation.End().ExitCode);
        output.WriteLine($"{kind}, {what}: {calls} calls, cut at {cuts}, every {step}{KillShare.Shown}, {states} states of the disk: {old} ended old, {fresh} new");
        findings.RequireNone();
    }

    private async Task ShutDownAsync(string what, string kind, int step)
    {
        var (template, disk) = await PrepareAsync(what, kind);
        KillDisk.Copy(disk.Image("full"), disk.Image("cut"));
        long calls;
        using (disk.Use(disk.Image("cut")))
        {
            calls = KillPoint.Run(template.Call, disk.Mount, 0).Calls;
        }

        var (cuts, old, fresh) = (0, 0, 0);
        var findings = new KillFindings();
        foreach (var n in KillShare.Of(calls, step))
        {
            cuts++;
            KillDisk.Copy(disk.Image("full"), disk.Image("cut"));
            using (disk.Use(disk.Image("cut")))
            {
                var end = KillPoint.Run(template.Call, disk.Mount, n, cut: disk.Mount);
                Assert.DoesNotContain("shutdown", end.Errors, StringComparison.Ordinal);
            }

            // A copy is mounted: another mount namespace (a container that started meanwhile) may keep the old file system alive, dead as it is.
            KillDisk.Copy(disk.Image("cut"), disk.Image("after"));
            await findings.TryAsync($"shut down at call {n}", async () =>
            {
                using var mount = disk.Use(disk.Image("after"));
                _ = await NextLife.JudgeAsync(disk.Mount, template) ? fresh++ : old++;
            });
        }

        output.WriteLine($"{kind}, {what}: {calls} calls, shut down at {cuts}, every {step}{KillShare.Shown}: {old} ended old, {fresh} new");
        findings.RequireNone();
    }

    private async Task<(KillTemplate Template, KillDisk Disk)> PrepareAsync(string what, string kind)
    {
        var template = await templates.OfAsync(what);
        var disk = new KillDisk(temp.Path, kind);
        disk.Make(disk.Image("full"), template.CopyTo);
        return (template, disk);
    }
}
