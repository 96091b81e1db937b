using System.Collections.Concurrent;
using System.Security.Cryptography;
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
    /// <summary>SHA-256 of archives that were verified and found whole: equal bytes have the same verdict.</summary>
    private static readonly ConcurrentDictionary<string, bool> Whole = new(StringComparer.Ordinal);

    /// <summary>What a start does before the door opens: clears up, brings to its end what was begun, restores what waits, heals.</summary>
    public static async Task<(StartRestoreResult Start, HealResult Heal)> BeginAsync(RestoreWorld world, bool heals)
    {
        world.Get<WorkFolders>().RemoveLeftovers();
        var catalog = world.Get<BackupCatalog>();
        await catalog.RefreshAsync(CancellationToken.None);
        catalog.RemoveOrphanedStates();
        var start = await world.StartAsync();
        return (start, heals ? await world.HealAsync() : HealResult.Nothing);
    }

    /// <summary>Clears up and goes on. Storage is old or new, every archive is whole, nothing is left behind, and a proven backup can be taken. True when storage is new.</summary>
    /// <param name="mayBePartial">A call failed and nothing was killed: a backup without the source that could not be copied is right, and says so.</param>
    public static async Task<bool> JudgeAsync(string root, KillTemplate template, bool mayBePartial = false)
    {
        using var world = new RestoreWorld(root: root);
        var (start, heal) = await BeginAsync(world, template.What == "heal");
        Assert.True(start.Failure is null && start.ReadOnlyReason is null, $"{start.Failure?.Message} {start.ReadOnlyReason}");
        Assert.True(world.Get<Doubt>().Reason is null, world.Get<Doubt>().Reason);
        Assert.True(heal.Undecided.Count == 0, string.Join(' ', heal.Undecided.Select(u => u.Message)));

        var image = template.ImageOf(root);
        var isNew = image == template.NewImage;
        Assert.True(isNew || image == template.OldImage, $"storage is a mixture; {template.Differences(image)}");
        Assert.True(isNew || !template.WaitsForAStart, "what waited for a start was not done at it");
        var left = Posix.FindStat($"{world.Storage}/.backup") is null ? [] : Posix.ListNames($"{world.Storage}/.backup");
        Assert.True(left.TrueForAll(name => template.What.EndsWith("-kept", StringComparison.Ordinal) && name.StartsWith("kept-", StringComparison.Ordinal)), $"left behind: {string.Join(' ', left)}");
        var done = template.What switch
        {
            "start" => "drop.tar.gz",
            "bare" => "data.db.set/data.db-wal",
            _ => null,
        };
        Assert.True(done is null || (File.Exists($"{world.Restore}/done/{done}") && world.Get<RestoreFolder>().List().Count == 0), $"{done} was not finished");
        await AllWholeAsync(world, mayBePartial);
        Assert.True((await world.BackUpAsync()).IsProven, "the next backup is not proven");
        Assert.DoesNotContain(Posix.ListNames(world.Settings.BackupsPath), name => name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal));
        return isNew;
    }

    /// <summary>Every archive under a final name is whole and listed as such.</summary>
    private static async Task AllWholeAsync(RestoreWorld world, bool mayBePartial)
    {
        foreach (var backup in world.Get<BackupCatalog>().List())
        {
            Assert.True(backup.IsProven || (mayBePartial && backup.Outcome == Outcome.Partial), $"{backup.Name}: {backup.Damage}");
            var hash = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(backup.Path)));
            if (!Whole.ContainsKey(hash))
            {
                var proof = await world.Get<AnyArchive>().VerifyAsync(backup.Path, new ArchiveLimits(1 << 30), new Progress(), CancellationToken.None);
                Assert.True(proof.Errors.Count == 0, $"{backup.Name}: {string.Join(" ", proof.Errors.Select(e => e.Message))}");
                Whole[hash] = true;
            }
        }
    }
}
