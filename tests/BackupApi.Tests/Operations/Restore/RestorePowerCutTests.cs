using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>The disk that holds storage, backups and the restore folder loses its power at a flush or a rename of a whole operation; then a start, as after a reboot.</summary>
public sealed class RestorePowerCutTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("backup", "ext4", 96, 9)]
    [InlineData("restore", "ext4", 96, 23)]
    public Task Cut_at_some_flushes_and_renames_it_is_old_or_new_after_the_next_start(string what, string kind, long megabytes, int step) => CutAsync(what, kind, megabytes, step);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("backup", "ext4", 96)]
    [InlineData("backup", "xfs", 320)]
    [InlineData("restore", "ext4", 96)]
    [InlineData("restore", "xfs", 320)]
    [InlineData("undo", "ext4", 96)]
    [InlineData("start", "ext4", 96)]
    [InlineData("start", "xfs", 320)]
    [InlineData("heal", "ext4", 96)]
    public Task Cut_at_every_flush_and_rename_it_is_old_or_new_after_the_next_start(string what, string kind, long megabytes) => CutAsync(what, kind, megabytes, 1);

    private async Task CutAsync(string what, string kind, long megabytes, int step)
    {
        var template = new KillTemplate(temp.Folder("template"), what);
        await template.PrepareAsync(temp["spare"]);
        template.CopyTo(temp["traced"]);
        var moments = KillShare.Of(KillPoint.FlushesAndRenames(what, temp["traced"]).Where((_, i) => i % step == 0));
        var root = temp["disk"];
        using var mount = TestMount.Loop(temp["disk.img"], root, kind, megabytes);
        var (old, fresh) = (0, 0);
        foreach (var n in moments)
        {
            foreach (var name in new[] { "storage", "backups", "restore" })
            {
                TreeRemoval.Remove($"{root}/{name}");
            }

            template.CopyTo(root);
            Posix.FlushFileSystem(root);
            var end = KillPoint.Run(what, root, n, cut: root);
            Assert.DoesNotContain("shutdown", end.Errors, StringComparison.Ordinal);
            mount.Remount();
            _ = await NextLife.JudgeAsync(root, what, template, $"{kind}: {what} cut at call {n}") ? fresh++ : old++;
        }

        output.WriteLine($"{kind}, {what}: cut at {moments.Count} flushes and renames, every {step}{KillShare.Shown}: {old} ended old, {fresh} new");
    }
}
