using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Makes a sound database of a damaged one: by REINDEX where only indexes are damaged, else by the <c>sqlite3</c> shell's <c>.recover</c>, else row by row.</summary>
internal sealed class SqliteSalvage(Source source, string folder, SqliteSettings settings, TimeProvider time)
{
    /// <summary>The shell is given fixed names: those of storage may be anything.</summary>
    private const string Damaged = ".salvage-damaged", Recovered = ".salvage-recovered";

    private static readonly int[] PageSizes = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

    private readonly string shown = PathText.Show(source.Name);

    /// <summary>Name of the result: that of the database.</summary>
    private string OutputName => source.Name[(source.Name.LastIndexOf('/') + 1)..];

    public async Task<Salvaged> RunAsync(string into, CancellationToken ct)
    {
        var notes = new List<Finding>();
        await Task.Run(() => CopyWithSideFiles($"{into}/{Damaged}", notes, ct), ct);
        try
        {
            if (await Task.Run(() => FindWholeOrReindexed(into, notes, ct), ct) is { } whole)
            {
                return whole;
            }

            if (await new RecoverShell(into, time, settings.VerifyTimeLimit).RunAsync(Damaged, Recovered, ct) is { } why)
            {
                Remove($"{into}/{Recovered}");
                notes.Add(new Finding(shown, $"Rows were read one by one, because {why}."));
                return await Task.Run(() => RowByRow(into, notes, ct), ct);
            }

            return await Task.Run(() => ByShell(into, notes, ct), ct);
        }
        finally
        {
            Remove($"{into}/{Damaged}");
        }
    }

    /// <summary>The database as its owner would see it: with its WAL applied or its journal rolled back, where they allow it.</summary>
    private void CopyWithSideFiles(string copy, List<Finding> notes, CancellationToken ct)
    {
        foreach (var suffix in new[] { "", SideFiles.Wal, SideFiles.Journal }.Where(suffix => Posix.FindStat($"{folder}/{source.Name}{suffix}") is { Kind: FileKind.File }))
        {
            using var file = Posix.OpenRead($"{folder}/{source.Name}{suffix}");
            QuietCopy.Copy(file, RandomAccess.GetLength(file), copy + suffix, ct);
        }

        try
        {
            StagedRecovery.Recover(copy, static _ => false);
        }
        catch (SqliteFailure e) when (e.IsDamage || e.Code == raw.SQLITE_ERROR)
        {
            notes.Add(new Finding(shown, $"Its WAL or journal cannot be applied and was left out: {e.Message}."));
            foreach (var suffix in new[] { SideFiles.Wal, SideFiles.Journal, SideFiles.Shm })
            {
                Remove(copy + suffix);
            }
        }
    }

    private Salvaged? FindWholeOrReindexed(string into, List<Finding> notes, CancellationToken ct)
    {
        var target = $"{into}/{OutputName}";
        using (var file = Posix.OpenRead($"{into}/{Damaged}"))
        {
            QuietCopy.Copy(file, RandomAccess.GetLength(file), target, ct);
        }

        var verdict = Verify(into, OutputName, ct);
        if (!verdict.IsDamaged && verdict.BestLevel < VerificationLevel.Engine)
        {
            Remove(target);
            return new Salvaged { Method = "none", Files = [], NotReadable = [new Finding(shown, verdict.Reason ?? "Its structure cannot be read.")], Notes = notes };
        }

        // A check that ran out of memory or time says nothing of the rows.
        if (verdict.IsProven)
        {
            return Done("copied", verdict, [], [.. notes, new Finding(shown, "Nothing is wrong with it: this is a copy.")]);
        }

        var before = verdict.Errors;
        try
        {
            using var copy = SqliteDatabase.Open(target, Access.Staging);
            HostileInput.Restrict(copy, settings.HeapBytes);
            using var late = new CancellationTokenSource(settings.VerifyTimeLimit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
            using var interrupt = either.Token.Register(() => raw.sqlite3_interrupt(copy.Handle));
            copy.Execute("REINDEX");
        }
        catch (SqliteFailure)
        {
            // More than indexes is damaged.
            ct.ThrowIfCancellationRequested();
        }

        verdict = Verify(into, OutputName, ct);
        if (verdict.IsProven)
        {
            return Done("reindexed", verdict, [], [.. notes, .. before.Select(error => error with { Message = $"Was wrong in an index, which was made anew: {error.Message}" })]);
        }

        Remove(target);
        return null;
    }

    private Salvaged ByShell(string into, List<Finding> notes, CancellationToken ct)
    {
        Posix.RenameNew($"{into}/{Recovered}", $"{into}/{OutputName}");
        var verdict = Verify(into, OutputName, ct);
        if (verdict.Counts.TryGetValue("lost_and_found", out var orphans))
        {
            notes.Add(new Finding(shown, $"{orphans} rows belong to no table that is known any more: they stand in lost_and_found."));
        }

        return Done(".recover", verdict, [new Finding(shown, "What the shell could not reach is not told by it; compare the counts with those of a backup.")], notes);
    }

    private Salvaged RowByRow(string into, List<Finding> notes, CancellationToken ct)
    {
        var target = $"{into}/{OutputName}";
        Posix.CreateNew(target).Dispose();
        MendHeader($"{into}/{Damaged}");
        var rows = new RowSalvage($"{into}/{Damaged}", target, shown, settings);
        try
        {
            rows.Run(ct);
        }
        catch (SqliteFailure e) when (e.IsDamage)
        {
            ct.ThrowIfCancellationRequested();
            Remove(target);
            return new Salvaged { Method = "row by row", Files = [], NotReadable = [new Finding(shown, $"Nothing of it can be read: {e.Message}."), .. rows.Lost], Notes = notes };
        }
        catch (SqliteFailure e)
        {
            ct.ThrowIfCancellationRequested();
            throw e.Code == raw.SQLITE_FULL
                ? new BackupException(Fault.NoRoom, $"The salvaged copy of {shown} could not be written: {e.Message}.", "Free some room on the disk of the backups folder, then ask again.", e)
                : new BackupException(Fault.DiskError, $"The salvaged copy of {shown} could not be written: {e.Message}.", "Check the disk of the backups folder and the memory of the machine, then ask again.", e);
        }

        var verdict = Verify(into, OutputName, ct);
        return Done("row by row", verdict with { Counts = rows.Counts }, rows.Lost, notes);
    }

    /// <summary>The library opens no file whose header is wrong, and none that ends before the last page its header counts. Both are put right in the copy: what is missing is missed page by page.</summary>
    private static void MendHeader(string copy)
    {
        using var file = Posix.Open(copy, OpenFlags.ReadWrite | OpenFlags.NoFollow);
        var head = new byte[SqliteHeader.Length];
        if (QuietCopy.ReadFully(file, head, 0) == head.Length)
        {
            if (SqliteHeader.Read(head) is not { HasPageSize: true })
            {
                SqliteHeader.SetPageSize(head, PageSizeOf(file));
            }

            SqliteHeader.Mend(head, RandomAccess.GetLength(file));
            RandomAccess.Write(file, head, 0);
        }
    }

    /// <summary>The smallest size at whose multiples about as large a share of pages begins like those of a tree as at any: at multiples of the true size it is no smaller.</summary>
    private static int PageSizeOf(SafeFileHandle file)
    {
        const int looks = 200;
        const double near = 0.8;
        var first = new byte[1];
        double Share(int size)
        {
            var pages = (int)Math.Min(looks, (RandomAccess.GetLength(file) / size) - 1);
            return pages < 1 ? 0 : (double)Enumerable.Range(1, pages).Count(page => RandomAccess.Read(file, first, (long)page * size) == 1 && first[0] is 2 or 5 or 10 or 13) / pages;
        }

        var best = PageSizes.Max(Share);
        return PageSizes.First(size => Share(size) >= near * best);
    }

    private Salvaged Done(string method, Verdict verdict, IReadOnlyList<Finding> lost, IReadOnlyList<Finding> notes) => new()
    {
        Method = method,
        Files = [OutputName],
        Counts = verdict.Counts,
        NotReadable = [.. lost, .. verdict.Errors],
        Notes = [.. notes, .. verdict.Warnings],
    };

    private Verdict Verify(string where, string name, CancellationToken ct) =>
        new SqliteVerifier(new Source(name, source.Engine, [name]) { Variant = source.Variant }, where, settings, time).Verify(ct);

    private static void Remove(string path)
    {
        if (Posix.FindStat(path) is not null)
        {
            Posix.Unlink(path);
        }
    }
}
