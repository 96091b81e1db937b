using System.Globalization;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Upkeep;

/// <summary>Looks after one database that its owner put into our care: only while nobody holds it, and only after a backup in which it was proven as it is now.</summary>
internal sealed class RunUpkeep(ServiceSettings settings, WorkFolders folders, OperationGate gate, FindSources findSources, TakeBackup takeBackup, WatchChange watchChange, DecideUpkeep decide)
{
    private const string Engine = "sqlite";

    /// <summary>VACUUM writes the database a second time beside it, into its journal or log.</summary>
    private const int CopiesBeside = 2;

    /// <summary>A database that shrank to less than this share of its size would look as if somebody had taken something out of it.</summary>
    private const double NotableShare = 0.9;

    /// <summary>Why it cannot be looked after now: who holds it, or why that cannot be told. Null when nobody does.</summary>
    public string? FindUser(string database)
    {
        var path = PathOf(database);
        foreach (var file in (string[])[path, path + SideFiles.Wal, path + SideFiles.Shm, path + SideFiles.Journal])
        {
            var (state, how) = MountFacts.Of(folders.Storage).IsNetwork ? (OwnerState.Unknown, "storage lies on a network or shared file system, where the locks of others are not seen") : OwnerProbe.Look(file);
            if (state != OwnerState.Free)
            {
                return state == OwnerState.InUse ? how : $"Whether a process holds it cannot be told: {how}.";
            }
        }

        return null;
    }

    /// <summary>Starts it, as an operation that gives way to a scheduled backup.</summary>
    /// <exception cref="BackupException"><see cref="Fault.Busy"/>.</exception>
    public OperationTicket<UpkeepResult> Start(UpkeepTask task) => gate.Start(OperationKind.Upkeep, Trigger.Schedule, waits: false, givesWay: true, context => RunAsync(task, context));

    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>, <see cref="Fault.StorageInUse"/>, <see cref="Fault.NoRoom"/>, <see cref="Fault.PermissionDenied"/>: nothing of the owner's was touched. <see cref="Fault.VerificationFailed"/>.</exception>
    private async Task<UpkeepResult> RunAsync(UpkeepTask task, OperationContext context)
    {
        var path = PathOf(task.Database);
        Require(task.Database, path, context.Cancellation);
        var asItWas = Look(path);
        var backup = await BackUpAsync(task, context);
        Require(task.Database, path, context.Cancellation);
        if (!asItWas.SequenceEqual(Look(path)))
        {
            throw InUse(task.Database, "It was written to while its backup was taken.");
        }

        RequireRoom(task.Database, asItWas[0]?.Size ?? 0);
        var temporary = folders.NewStaging(context.Id);
        try
        {
            var (before, after) = await Task.Run(() => SqliteUpkeep.Run(path, task.Vacuum is not null, task.Analyze is not null, temporary, phase => context.Progress.Enter(phase), context.Cancellation));
            var result = new UpkeepResult(task, before, after, backup);
            context.Summary = result.Summary;
            if (after.Bytes < before.Bytes * NotableShare)
            {
                watchChange.Expect(["bytes", "compression"], $"{task.Database} went from {before.Bytes.ToString(CultureInfo.InvariantCulture)} to {after.Bytes.ToString(CultureInfo.InvariantCulture)} bytes by its upkeep.", backup);
            }

            decide.Settle(task);
            return result;
        }
        finally
        {
            TreeRemoval.Remove(temporary);
        }
    }

    private string PathOf(string database) => $"{folders.Storage}/{ShownName.Parse(database)}";

    private void Require(string database, string path, CancellationToken ct)
    {
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        if (!findSources.In(tree).Any(s => s.Source.Engine == Engine && PathText.Show(s.Source.Name) == database))
        {
            throw new BackupException(Fault.NotFound, $"There is no SQLite database '{database}' in storage.", "GET /api/databases names those there are; correct Backup__Upkeep__….");
        }

        if (Posix.EffectiveUserId != 0 && Posix.EffectiveUserId != Posix.Stat(path).Uid)
        {
            throw new BackupException(Fault.PermissionDenied, $"{database} belongs to another user.", "Run this service as the owner of the database, or as root: side files it leaves behind must stay writable for the application.");
        }

        if (FindUser(database) is { } user)
        {
            throw InUse(database, user);
        }
    }

    /// <summary>A backup that holds the database as it is now, proven; the last one serves where nothing changed.</summary>
    private async Task<string> BackUpAsync(UpkeepTask task, OperationContext context)
    {
        var taken = (await takeBackup.RunAsync(new CreateRequest { Trigger = Trigger.Schedule, Label = "before upkeep" }, context)).Backup;
        if (!taken.Sources.Any(s => s.Name == task.Database && s.IsProven))
        {
            throw new BackupException(Fault.VerificationFailed, $"{task.Database} was not proven in the backup before its upkeep.", $"Nothing was done to it. GET /api/backup/{taken.Name} says what is wrong with it.");
        }

        (context.Outcome, context.Confirmed) = (Outcome.Ok, false);
        return taken.Name;
    }

    private void RequireRoom(string database, long bytes)
    {
        foreach (var (folder, needed) in new[] { (folders.Storage, CopiesBeside * bytes), (folders.Backups, bytes) })
        {
            var free = MountFacts.Of(folder).FreeBytes - settings.MinFreeBytes;
            if (free < needed)
            {
                throw new BackupException(Fault.NoRoom, string.Create(CultureInfo.InvariantCulture, $"The upkeep of {database} may need {needed >> 20} MB in {folder}, and {Math.Max(0, free) >> 20} MB may be used."), "Free some room there.");
            }
        }
    }

    /// <summary>The files of a database, as fingerprints; null for what is not there.</summary>
    private static FileStat?[] Look(string path) => [Posix.FindStat(path), Posix.FindStat(path + SideFiles.Wal), Posix.FindStat(path + SideFiles.Journal)];

    private static BackupException InUse(string database, string how) =>
        new(Fault.StorageInUse, $"{database} is in use: {how}", "Upkeep needs it alone: choose a time at which the application is stopped.");
}
