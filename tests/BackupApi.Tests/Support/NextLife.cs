using BackupApi.Archive;
using BackupApi.Archive.Foreign;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using Xunit;

namespace BackupApi.Tests.Support;

/// <summary>The next start of the service after a kill, and the judgement of what it finds and can do.</summary>
internal static class NextLife
{
    /// <summary>Clears up and goes on. Storage is old or new, every archive is whole, nothing is left behind, and a proven backup can be taken. True when storage is new.</summary>
    /// <param name="mayBePartial">A call failed and nothing was killed: a backup without the source that could not be copied is right, and says so.</param>
    public static async Task<bool> JudgeAsync(string root, string what, KillTemplate template, string when, bool mayBePartial = false)
    {
        using var world = new RestoreWorld(root: root);
        world.Get<WorkFolders>().RemoveLeftovers();
        var catalog = world.Get<BackupCatalog>();
        await catalog.RefreshAsync(CancellationToken.None);
        catalog.RemoveOrphanedStates();
        var start = await world.StartAsync();
        Assert.True(start.Failure is null && start.ReadOnlyReason is null, $"{when}: {start.Failure?.Message} {start.ReadOnlyReason}");
        if (what == "heal")
        {
            var healed = await world.HealAsync();
            Assert.True(healed.Undecided.Count == 0, $"{when}: {string.Join(' ', healed.Undecided.Select(u => u.Message))}");
        }

        var image = template.ImageOf(root);
        var isNew = image == template.NewImage;
        Assert.True(isNew || image == template.OldImage, $"{when}: storage is a mixture:\n{image}\nold:\n{template.OldImage}\nnew:\n{template.NewImage}");
        var left = Posix.FindStat($"{world.Storage}/.backup") is null ? [] : Posix.ListNames($"{world.Storage}/.backup");
        Assert.True(left.TrueForAll(name => what.EndsWith("-kept", StringComparison.Ordinal) && name.StartsWith("kept-", StringComparison.Ordinal)), $"{when}: left behind: {string.Join(' ', left)}");
        if (what == "start")
        {
            Assert.True(isNew && File.Exists($"{world.Restore}/done/drop.tar.gz") && !File.Exists($"{world.Restore}/drop.tar.gz"), $"{when}: the drop was not finished");
        }

        if (what == "bare")
        {
            Assert.True(isNew && File.Exists($"{world.Restore}/done/data.db.set/data.db-wal") && world.Get<RestoreFolder>().List().Count == 0, $"{when}: the database was not finished");
        }

        Assert.True(what != "heal" || isNew, $"{when}: what was damaged was not healed");
        await AllWholeAsync(world, when, mayBePartial);
        Assert.True((await world.BackUpAsync()).IsProven, $"{when}: the next backup is not proven");
        Assert.DoesNotContain(Posix.ListNames(world.Settings.BackupsPath), name => name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal));
        return isNew;
    }

    /// <summary>Every archive under a final name is whole and listed as such.</summary>
    public static async Task AllWholeAsync(RestoreWorld world, string when, bool mayBePartial = false)
    {
        foreach (var backup in world.Get<BackupCatalog>().List())
        {
            var proof = await world.Get<AnyArchive>().VerifyAsync(backup.Path, new ArchiveLimits(1 << 30), new Progress(), CancellationToken.None);
            Assert.True(proof.Errors.Count == 0 && (backup.IsProven || (mayBePartial && backup.Outcome == Outcome.Partial)), $"{when}: {backup.Name}: {string.Join(" ", proof.Errors.Select(e => e.Message))} {backup.Damage}");
        }
    }
}
