using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.Sqlite;

/// <summary>One capture of one database: the online backup where it cannot leave traces, a stable copy recovered in staging elsewhere.</summary>
internal sealed class SqliteCapture(Source source, string root, string into, SqliteSettings settings, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    private readonly string live = $"{root}/{source.Name}";
    private readonly string staged = $"{into}/{source.Name}";

    /// <exception cref="BackupException"><see cref="Fault.SourceBusy"/> when no way led to a whole copy within <see cref="SqliteSettings.BusyTimeout"/>.</exception>
    public async Task<Capture> RunAsync(CancellationToken ct)
    {
        FolderPath.Make(into, source.Name, inclusive: false);
        var deadline = time.GetUtcNow() + settings.BusyTimeout;
        var pause = FirstPause;
        var isDamaged = false;
        var lastReason = "";
        for (var attempt = 1; ; attempt++)
        {
            ct.ThrowIfCancellationRequested();
            var stat = Posix.FindStat(live) is { Kind: FileKind.File } found ? found : throw Gone();
            try
            {
                var useOnline = !isDamaged && stat.Size > 0 && source.Variant is null && MayReadOnline(stat.Size);
                var capture = useOnline
                    ? await OnlineAsync(stat, attempt, ct)
                    : await Task.Run(() => StableCopyOnce(recover: !isDamaged, attempt, ct), ct);
                if (capture is not null)
                {
                    return capture;
                }

                lastReason = "its files kept changing while they were copied";
            }
            catch (SqliteFailure e) when (e.IsBusy)
            {
                lastReason = e.Message;
            }
            catch (SqliteFailure e)
            {
                // Not readable through the library: a hot journal, a read-only folder, files that came or went, damage. Its files as they are remain.
                lastReason = e.Message;
                isDamaged |= e.IsDamage;
                if (await CopyAfterAsync(e, attempt, ct) is { } capture)
                {
                    return capture;
                }
            }

            if (time.GetUtcNow() >= deadline)
            {
                throw TooBusy(lastReason);
            }

            await Task.Delay(pause, time, ct);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>True where a read-only connection finds all it needs: whole pages, and in WAL mode both side files, which exist while an owner is alive.</summary>
    /// <remarks>The library would fill a last page that was cut short with zeros, and the copy would look whole.</remarks>
    private bool MayReadOnline(long size)
    {
        var header = ReadHeader();
        var hasWal = Posix.FindStat(live + SideFiles.Wal) is not null;
        return (header is not { HasPageSize: true } h || size % h.PageSize == 0)
            && (hasWal ? Posix.FindStat(live + SideFiles.Shm) is not null : header is not { IsWal: true });
    }

    private SqliteHeader? ReadHeader() => SqliteHeader.Read(ReadHead());

    private byte[] ReadHead()
    {
        using var file = Posix.OpenRead(live);
        return SqliteHeader.ReadBytes(file);
    }

    private async Task<Capture> OnlineAsync(FileStat stat, int attempt, CancellationToken ct)
    {
        var isInRollbackMode = Posix.FindStat(live + SideFiles.Wal) is null;
        RemoveStaged();
        var resting = new RestingCopy(live, staged, time);
        if (isInRollbackMode && await Task.Run(() => resting.RunAsync(stat, ct), ct))
        {
            return Copied(stat, attempt, "copy at rest", resting.CapturedAt, resting.OwnerHeld);
        }

        RemoveStaged();
        Posix.CreateNew(staged).Dispose();
        var backup = new OnlineBackup(live, staged, settings, time);
        var head = ReadHead();
        var isBusyInRollbackMode = isInRollbackMode && time.GetUtcNow() - stat.Modified.ToDateTimeOffset() < settings.SeldomWrites;
        if (!isBusyInRollbackMode && await Task.Run(() => backup.RunAsync(stat, ct), ct))
        {
            if (head.AsSpan().SequenceEqual(ReadHead()))
            {
                GiveBackCounters(head);
            }

            return Copied(stat, attempt, "online backup", backup.CapturedAt, backup.OwnerHeld);
        }

        RemoveStaged();
        var copy = new LockedCopy(live, staged, settings, time);
        await Task.Run(() => copy.RunAsync(ct), ct);
        return Copied(stat, attempt, "compare and patch", copy.CapturedAt, copy.OwnerHeld);
    }

    /// <summary>The backup interface counts its own commit into the copy's header. In rollback mode the owner's header tells exactly which state was copied, so the copy gets it back and is the same to the byte.</summary>
    private void GiveBackCounters(ReadOnlySpan<byte> head)
    {
        if (SqliteHeader.Read(head) is not { IsWal: false })
        {
            return;
        }

        using var copy = Posix.Open(staged, OpenFlags.ReadWrite | OpenFlags.NoFollow);
        foreach (var (at, length) in SqliteHeader.CommitCounters)
        {
            RandomAccess.Write(copy, head.Slice(at, length), at);
        }
    }

    private Capture Copied(FileStat stat, int attempt, string method, DateTimeOffset at, TimeSpan held) => new()
    {
        Source = source,
        Files = [Quiet(source.Name, stat)],
        CapturedAt = at,
        OwnerHeld = held,
        Attempts = attempt,
        Method = method,
    };

    private async Task<Capture?> CopyAfterAsync(SqliteFailure failure, int attempt, CancellationToken ct)
    {
        try
        {
            return await Task.Run(() => StableCopyOnce(recover: !failure.IsDamage, attempt, ct), ct);
        }
        catch (SqliteFailure e) when (e.IsOfTheDisk)
        {
            throw e.ToFault($"{PathText.Show(source.Name)} could not be copied");
        }
        catch (SqliteFailure)
        {
            // Damage, or a log of another version: the files as they are remain.
            return StableCopyOnce(recover: false, attempt, ct);
        }
    }

    /// <summary>Copies the database and its side files as they stand; null when somebody wrote meanwhile.</summary>
    private Capture? StableCopyOnce(bool recover, int attempt, CancellationToken ct)
    {
        RemoveStaged();
        var capturedAt = time.GetUtcNow();
        var hasJournal = SideFiles.MayBeHot(live + SideFiles.Journal);
        string[] suffixes = hasJournal ? ["", SideFiles.Wal, SideFiles.Journal] : ["", SideFiles.Wal];
        var copied = StableCopy.TryCopy([.. suffixes.Select(suffix => (live + suffix, staged + suffix))], time, ct);
        if (copied is null || hasJournal != SideFiles.MayBeHot(live + SideFiles.Journal))
        {
            return null;
        }

        if (copied[0] is not { } stat)
        {
            throw Gone();
        }

        if (recover)
        {
            StagedRecovery.Recover(staged, hasSuperJournal: HasSuperJournal);
        }

        var files = suffixes
            .Zip(copied, (suffix, facts) => (Suffix: suffix, Facts: facts))
            .Where(file => Posix.FindStat(staged + file.Suffix) is not null)
            .Select(file => Quiet(source.Name + file.Suffix, file.Facts!.Value))
            .ToList();
        return new Capture { Source = source, Files = files, CapturedAt = capturedAt, Attempts = attempt, Method = "stable copy" };
    }

    /// <summary>A super-journal lies beside the database whose transaction began the commit; the owner's absolute path means nothing here, its last part does.</summary>
    private bool HasSuperJournal(string name)
    {
        var fileName = name[(name.LastIndexOf('/') + 1)..];
        var folder = live[..live.LastIndexOf('/')];
        return Posix.FindStat($"{folder}/{fileName}") is not null || TreeWalker.Walk(root).Nodes.Any(node => node.FileName == fileName);
    }

    private CapturedFile Quiet(string name, FileStat facts)
    {
        var path = $"{into}/{name}";
        return new CapturedFile { Name = name, Stat = facts with { Size = Posix.Stat(path).Size }, ContentPath = path, IsQuiet = true };
    }

    private void RemoveStaged()
    {
        foreach (var suffix in new[] { "", SideFiles.Wal, SideFiles.Shm, SideFiles.Journal })
        {
            TreeRemoval.Remove(staged + suffix);
        }
    }

    private BackupException Gone() => new(
        Fault.NotFound,
        $"{PathText.Show(source.Name)} is gone.",
        "Nothing to do if its owner removed it; the next backup will not look for it.");

    private BackupException TooBusy(string reason) => new(
        Fault.SourceBusy,
        $"{PathText.Show(source.Name)} could not be read whole within {settings.BusyTimeout.TotalSeconds:0.#} s: {reason}.",
        "Its owner holds it all the time: let the owner use journal_mode=WAL, not locking_mode=EXCLUSIVE, and short transactions, or stop it while the backup runs.");
}
