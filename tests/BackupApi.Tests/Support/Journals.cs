using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Tests.Support;

/// <summary>Journals as a kill leaves them.</summary>
internal static class Journals
{
    /// <summary>A restore past its commit point, none of whose steps was made yet.</summary>
    /// <param name="write">Writes what is restored into the folder it is given; all else of storage stays.</param>
    public static SwapFolder Commit(RestoreWorld world, string backupName, Action<string> write, Func<RestoreOrigin, RestoreOrigin>? change = null)
    {
        var folder = SwapFolder.Create(world.Storage, "20261120T115959Z-0099");
        write(folder.New);
        var live = TreeWalker.Walk(world.Storage, static (path, _) => SwapFolder.IsReserved(path));
        var rules = new SwapRules(static _ => false, static _ => false, static _ => false);
        var origin = new RestoreOrigin { BackupName = backupName, ArchivePath = "x", At = DateTimeOffset.UnixEpoch };
        folder.WritePlan(new SwapPlan
        {
            Steps = TreeCompare.Of(live, TreeWalker.Walk(folder.New), rules, CancellationToken.None).Steps,
            RootModified = Posix.Stat(world.Storage).Modified,
            CanExchange = true,
            Origin = JsonSerializer.SerializeToElement(change?.Invoke(origin) ?? origin, Json.Options),
        });
        folder.WriteState(SwapState.Commit);
        return folder;
    }
}
