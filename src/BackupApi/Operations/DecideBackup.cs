using System.Globalization;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Decides whether a start or a stop takes a backup.</summary>
internal sealed class DecideBackup(ServiceSettings settings, WorkFolders folders, BackupCatalog catalog, ScheduleState schedule, OperationLedger ledger, TimeProvider clock)
{
    /// <summary>How old a ctime must be for a fingerprint to be trusted.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(60);

    /// <summary>Bytes a second that a first backup is expected to take, where no earlier one tells.</summary>
    private const long FirstSpeed = 20 << 20;

    /// <summary>How many of the last backups the usual time is taken from.</summary>
    private const int Remembered = 10;

    /// <summary>Stale: a run was due since the newest backup, however many were missed. One from the future counts as none: its clock cannot be believed.</summary>
    public bool AtStart()
    {
        var plan = schedule.Plan;
        var newest = catalog.List().FirstOrDefault(b => b is { IsOurs: true, Damage: null, IsSafety: false });
        var now = clock.GetUtcNow();
        return plan.IsRunning && plan.OnStart switch
        {
            StartBackup.Always => true,
            StartBackup.Never => false,
            _ => newest is null || (HealthOfBackups.CurrentAt(newest) is var last && (last > now || schedule.Timetable.NextAfter(last) <= now)),
        };
    }

    /// <summary>Whether storage differs from what the newest backup saw. In any doubt it does.</summary>
    /// <param name="beyondDoubt">A file changed less than <see cref="Settling"/> before that backup looked at storage counts as changed: a page mapped for writing can change again without a new time.</param>
    public bool HasChanged(StorageTree tree, bool beyondDoubt)
    {
        var newest = catalog.List().FirstOrDefault(b => b.IsOurs);
        if (newest is not { TreeDigest: not null, Damage: null } || newest.TreeDigest != TreeDigest.Of(tree))
        {
            return true;
        }

        var settled = UnixTime.From((newest.WalkedAt ?? newest.CreatedAt) - Settling);
        return beyondDoubt && tree.Nodes.Any(n => n.Stat.Kind == FileKind.File && n.Stat.Changed.CompareTo(settled) > 0);
    }

    /// <summary>Whether a scheduled run may confirm the last backup instead of writing an equal one: it is proven, and beyond doubt nothing changed since.</summary>
    public bool MayConfirm(Backup last, StorageTree tree) =>
        !settings.AlwaysWrite && last is { IsProven: true, IsSafety: false } && MountFacts.Of(folders.Storage).IsLocalDisk && MountFacts.AreOnLocalDisks(tree, tree.Nodes) && !HasChanged(tree, beyondDoubt: true);

    /// <summary>Whether fingerprints were believed long enough, and every file is to be read again.</summary>
    public bool WantsFullRead(Backup? last) => last?.FullReadAt is not { } at || clock.GetUtcNow() - at >= settings.FullReadEvery || !MountFacts.Of(folders.Storage).IsLocalDisk;

    /// <summary>Whether the stop takes a backup; and if it would but does not, why.</summary>
    public (bool Take, string? Skipped) AtStop()
    {
        var plan = schedule.Plan;
        if (!plan.Enabled || plan.OnStop != StopBackup.Changed || !Directory.Exists(folders.Storage))
        {
            return (false, null);
        }

        if (!HasChanged(TreeWalker.Walk(folders.Storage, folders.Own().Contains), beyondDoubt: false))
        {
            return (false, "nothing changed since the last backup");
        }

        var (usual, allowed) = (UsualDuration(), settings.ShutdownTimeout / 2);
        return usual <= allowed
            ? (true, null)
            : (false, string.Create(CultureInfo.InvariantCulture, $"it would take about {usual.TotalSeconds:F0} s, and {allowed.TotalSeconds:F0} s are left for it; raise SHUTDOWN_TIMEOUT and the stop_grace_period of the container"));
    }

    /// <summary>Median of the last backups that went through; from the size of storage when there was none.</summary>
    private TimeSpan UsualDuration()
    {
        var last = ledger.List().Where(o => o is { Kind: OperationKind.Backup, Outcome: Outcome.Ok or Outcome.Partial, Confirmed: false, EndedAt: not null }).Take(Remembered).Select(o => o.EndedAt!.Value - o.StartedAt).Order().ToList();
        return last.Count > 0
            ? last[last.Count / 2]
            : TimeSpan.FromSeconds((catalog.List().FirstOrDefault(b => b.IsOurs)?.ContentBytes ?? 0) / (double)FirstSpeed);
    }
}
