using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Whether somebody else has files open.</summary>
internal enum OwnerState
{
    /// <summary>Nobody writes to any of them, and nobody holds a lock.</summary>
    Free,

    /// <summary>It cannot be told: locks do not travel on this file system, or the question is not allowed. Not the same as free.</summary>
    Unknown,

    InUse,
}

/// <summary>What a look at files showed.</summary>
/// <param name="Users">Files that are in use, with how that shows; at most <see cref="OwnerProbe.MaxNamed"/>.</param>
/// <param name="Doubt">Why the state is not known; null when it is.</param>
internal sealed record OwnerReport(OwnerState State, IReadOnlyList<Finding> Users, string? Doubt);

/// <summary>Asks the kernel who has files open, without taking anything an owner could stumble over.</summary>
/// <remarks>
/// A read lease is refused with EAGAIN exactly when somebody has the file open for writing (fcntl(2), F_SETLEASE); an idle owner, which holds no lock at all, is seen by this only.
/// It needs the file's own uid or CAP_LEASE and a local file system. It is given back at once; an open that comes in between waits in the kernel for that long.
/// Locks are read by F_OFD_GETLK, which takes nothing: SQLite's lock bytes, the lock on <c>-shm</c>, LevelDB's LOCK. flock(2), which LiteDB and .NET use, cannot be read,
/// only tried, so it is tried only where no lease could be had.
/// </remarks>
internal static class OwnerProbe
{
    /// <summary>How many users a report names.</summary>
    public const int MaxNamed = 20;

    /// <summary>Looks at every regular file of a tree that <paramref name="isConcerned"/> picks.</summary>
    public static OwnerReport Look(StorageTree tree, Func<string, bool> isConcerned, CancellationToken ct)
    {
        // Of a file system that is not known here nothing is believed either.
        var locksTravel = MountFacts.Of(tree.Root) is { IsLocalDisk: true } or { Kind: "tmpfs" };
        var state = OwnerState.Free;
        var users = new List<Finding>();
        string? doubt = null;
        foreach (var node in tree.Nodes.Where(node => node.Stat.Kind == FileKind.File && isConcerned(node.Path)))
        {
            ct.ThrowIfCancellationRequested();
            var (answer, how) = Look(tree.FullPath(node.Path));
            if (answer == OwnerState.InUse)
            {
                state = OwnerState.InUse;
                if (users.Count < MaxNamed)
                {
                    users.Add(new Finding(PathText.Show(node.Path), how));
                }
            }
            else if (answer == OwnerState.Unknown || !locksTravel)
            {
                state = state == OwnerState.InUse ? state : OwnerState.Unknown;
                doubt ??= $"{PathText.Show(node.Path)}: {(locksTravel ? how : "the storage lies on a network, shared or unknown file system, where the locks of others may not be seen")}";
            }
        }

        return new OwnerReport(state, users, state == OwnerState.Unknown ? doubt : null);
    }

    /// <summary>Looks at one file. One that is gone is free.</summary>
    public static (OwnerState State, string How) Look(string path)
    {
        try
        {
            using var file = Posix.OpenRead(path);
            if (OwnerLocks.SomebodyHoldsARecordLock(file))
            {
                return (OwnerState.InUse, "A process holds a lock on it.");
            }

            return OwnerLocks.TryLease(file) switch
            {
                0 => (OwnerState.Free, ""),
                Errno.EAGAIN => (OwnerState.InUse, "A process has it open for writing."),
                _ when OwnerLocks.SomebodyHoldsAFlock(file) => (OwnerState.InUse, "A process holds a lock on it."),
                Errno.EACCES or Errno.EPERM => (OwnerState.Unknown, "it belongs to another user, and asking who has it open needs CAP_LEASE"),
                _ => (OwnerState.Unknown, "this file system does not tell who has a file open"),
            };
        }
        catch (PosixException e)
        {
            return e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? (OwnerState.Free, "") : (OwnerState.Unknown, e.Message);
        }
    }
}
