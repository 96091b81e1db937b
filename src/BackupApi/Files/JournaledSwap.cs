using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>How a swap ended. Its folder stays until whoever asked for it has settled its own side and calls <see cref="SwapFolder.Remove"/>.</summary>
/// <param name="Applied">Storage is new; false: it is old again.</param>
/// <param name="Setback">Why it went back; null when it did not, or that is what was asked for.</param>
internal sealed record SwapEnd(SwapFolder Folder, bool Applied, JsonElement? Origin, SwapSetback? Setback = null)
{
    public IReadOnlyList<Finding> Problems => Setback?.Problems ?? [];
}

/// <summary>Exchanges names of storage with a staged tree on the same mount, so that after a kill, a power cut or an error storage becomes all old or all new.</summary>
/// <remarks>
/// The root itself cannot be renamed (it is a mount point), so its names are exchanged one by one under a journal:
/// <list type="number">
/// <item>plan written, flushed, renamed: a kill leaves a folder without a state; storage is old, the folder is removed.</item>
/// <item>one syncfs makes the staged tree durable: as above. An error here is the last that can end the restore at no cost.</item>
/// <item>state <c>Commit</c>, by one flushed rename: the commit point. From here a kill at any instruction is rolled forward at the next start.</item>
/// <item>each step one rename (two where the file system cannot exchange): <see cref="SwapMoves"/> sees from where things lie what was done.</item>
/// <item>check in place; its failure, or a step that fails for good, leads to state <c>Rollback</c>, and the steps are taken back: a kill then is rolled back.</item>
/// <item>one syncfs makes the renames durable, before anything that was replaced may go.</item>
/// <item>state <c>Done</c> (or <c>Undone</c>): a kill leaves a folder to remove; storage is not touched again.</item>
/// </list>
/// Nobody else must write under the names concerned meanwhile. Past the commit point nothing is abandoned: no cancellation is looked at.
/// The root keeps its own owner, mode and modification time: they belong to the mount, not to the backup.
/// </remarks>
internal static class JournaledSwap
{
    /// <summary>Carries out a plan.</summary>
    /// <param name="check">Judges storage after the last step; any finding takes everything back.</param>
    /// <exception cref="BackupException">Storage is as before; or <see cref="Fault.ReadOnly"/>: neither forward nor back was possible, the next start tries again.</exception>
    public static async Task<SwapEnd> RunAsync(SwapFolder folder, SwapPlan plan, Func<CancellationToken, Task<IReadOnlyList<Finding>>> check, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        folder.WritePlan(plan);
        Posix.FlushFileSystem(folder.Root);
        ct.ThrowIfCancellationRequested();
        SwapPromise.Write(folder, SwapState.Commit);
        return await GoForwardAsync(folder, plan, check);
    }

    /// <summary>Brings a swap that a kill left behind to its end. One that never reached its commit point is removed and gives null, and so does one that waits for its turn.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: the journal cannot be read, or neither way is possible.</exception>
    public static async Task<SwapEnd?> RecoverAsync(SwapFolder folder, Func<SwapPlan, CancellationToken, Task<IReadOnlyList<Finding>>> check)
    {
        switch (folder.ReadState())
        {
            case SwapState.Unfinished:
                folder.Remove();
                return null;
            case SwapState.Commit:
                var plan = folder.ReadPlan();
                return await GoForwardAsync(folder, plan, ct => check(plan, ct));
            case SwapState.Rollback:
                return GoBack(folder, folder.ReadPlan(), folder.ReadSetback());
            case SwapState.Done:
                return new SwapEnd(folder, true, folder.ReadPlan().Origin);
            case SwapState.Undone:
                return new SwapEnd(folder, false, folder.ReadPlan().Origin, folder.ReadSetback());
            default:
                return null;
        }
    }

    /// <summary>Takes a swap back that was done and kept (<see cref="KeptSwap.TakeUp"/>), whatever was written under its names since: that lies in <c>new/</c> afterwards.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: it could not be gone through with; the next start goes on.</exception>
    public static SwapEnd TakeBack(SwapFolder folder) => GoBack(folder, folder.ReadPlan(), null);

    /// <summary>Whether two names can be exchanged in one step on the mount of <paramref name="folder"/>, and inodes are to be trusted there.</summary>
    public static bool CanExchange(SwapFolder folder)
    {
        if (MountFacts.Of(folder.Path) is { IsLocalDisk: false, Kind: not "tmpfs" } or { Kind: "overlay" })
        {
            return false;
        }

        // A kill in between leaves them, in a folder that waits for the next start.
        var (one, other) = ($"{folder.Path}/probe-1", $"{folder.Path}/probe-2");
        TreeRemoval.Remove(one);
        TreeRemoval.Remove(other);
        Posix.MakeFolder(one);
        Posix.MakeFolder(other);
        try
        {
            Posix.Exchange(one, other);
            return true;
        }
        catch (PosixException e) when (e.Errno is Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP)
        {
            return false;
        }
        finally
        {
            Posix.RemoveFolder(one);
            Posix.RemoveFolder(other);
        }
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            yield return path[..slash];
        }
    }

    private static async Task<SwapEnd> GoForwardAsync(SwapFolder folder, SwapPlan plan, Func<CancellationToken, Task<IReadOnlyList<Finding>>> check)
    {
        SwapSetback setback;
        try
        {
            var moves = new SwapMoves(folder, plan);
            for (var i = 0; i < plan.Steps.Count; i++)
            {
                moves.Forward(i);
            }

            Posix.SetModified(folder.Root, plan.RootModified);
            var problems = await check(CancellationToken.None);
            if (problems.Count == 0)
            {
                Posix.FlushFileSystem(folder.Root);
                folder.WriteState(SwapState.Done);
                return new SwapEnd(folder, true, plan.Origin);
            }

            setback = new SwapSetback(Fault.VerificationFailed, [.. problems.Take(Verdict.MaxFindings)]);
        }
        catch (Exception failure)
        {
            // Whatever it was, a bug of a verifier included: past the commit point the only way out is back.
            setback = SwapSetback.Of(failure);
        }

        return GoBack(folder, plan, setback);
    }

    private static SwapEnd GoBack(SwapFolder folder, SwapPlan plan, SwapSetback? why)
    {
        try
        {
            folder.WriteState(SwapState.Rollback, why);
            foreach (var parent in plan.Steps.SelectMany(step => FoldersOf(step.Path)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Where(parent => Posix.FindStat($"{folder.Root}/{parent}") is null))
            {
                // A folder that went since: what was in it comes back all the same.
                Posix.MakeFolder($"{folder.Root}/{parent}", 0x1ED /* 0755 */);
            }

            var moves = new SwapMoves(folder, plan);
            for (var i = plan.Steps.Count - 1; i >= 0; i--)
            {
                moves.Backward(i);
            }

            moves.RestoreAttributes();
            Posix.SetModified(folder.Root, plan.RootModified);
            Posix.FlushFileSystem(folder.Root);
            folder.WriteState(SwapState.Undone, why);
            return new SwapEnd(folder, false, plan.Origin, why);
        }
        catch (IOException failure)
        {
            throw new BackupException(
                Fault.ReadOnly,
                $"A restore could neither be finished nor taken back: {string.Join(' ', (why?.Problems ?? []).Select(p => p.Message))} {failure.Message}",
                $"Put the disk right, then start this service again before the application, or ask for a restore by name: the journal in {PathText.Show(folder.Path)} is brought to its end first, nothing is lost.",
                failure);
        }
    }
}
