using BackupApi.Files;
using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Makes a sound database of a damaged one: by REINDEX where only indexes are damaged, else by the <c>sqlite3</c> shell's <c>.recover</c>, else row by row.</summary>
internal sealed class SqliteSalvage(Source source, string folder, SqliteSettings settings, TimeProvider time)
{
    /// <summary>The shell is given fixed names: those of storage may be anything.</summary>
    private const string Damaged = ".salvage-damaged", Recovered = ".salvage-recovered";

    private readonly string shown = PathText.Show(source.Name);
    private Finding? leftOut;

    /// <summary>Name of the result: that of the database.</summary>
    private string OutputName => source.Name[(source.Name.LastIndexOf('/') + 1)..];

    /// <exception cref="BackupException">The disk, or memory.</exception>
    public async Task<Salvaged> RunAsync(string into, CancellationToken ct)
    {
        try
        {
            return await FindAsync(into, ct);
        }
        catch (SqliteFailure e)
        {
            ct.ThrowIfCancellationRequested();
            throw e.ToFault($"The salvaged copy of {shown} could not be written");
        }
    }

    private async Task<Salvaged> FindAsync(string into, CancellationToken ct)
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
        CopyFile("", copy, ct);
        CopyFile(SideFiles.Wal, copy, ct);
        CopyFile(SideFiles.Journal, copy, ct);

        // Before the log: beside a header that is wrong none would be applied.
        if (HeaderMending.Format(copy))
        {
            notes.Add(new Finding(shown, "Its header was wrong; what never varies in one was put right."));
        }

        try
        {
            StagedRecovery.Recover(copy, static _ => false);
        }
        catch (SqliteFailure e) when (!e.IsOfTheDisk)
        {
            leftOut = new Finding(shown, $"Its WAL or journal cannot be applied and was left out: {e.Message}. What it held may be missing.");
            foreach (var suffix in new[] { SideFiles.Wal, SideFiles.Journal, SideFiles.Shm })
            {
                Remove(copy + suffix);
            }

            // The library applies at its end what it can: the header may be another.
            HeaderMending.Format(copy);
        }
    }

    private void CopyFile(string suffix, string copy, CancellationToken ct)
    {
        if (Posix.FindStat($"{folder}/{source.Name}{suffix}") is { Kind: FileKind.File })
        {
            using var file = Posix.OpenRead($"{folder}/{source.Name}{suffix}");
            QuietCopy.Copy(file, RandomAccess.GetLength(file), copy + suffix, ct);
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
            return new Salvaged { Method = "none", Files = [], NotReadable = [new Finding(shown, verdict.Reason ?? "Its structure cannot be read."), .. Left()], Notes = notes };
        }

        // A check that ran out of memory or time says nothing of the rows.
        if (verdict.IsProven)
        {
            return Done("copied", verdict, [], notes.Count > 0 || leftOut is not null ? notes : [new Finding(shown, "Nothing is wrong with it: this is a copy.")]);
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
        HeaderMending.Count($"{into}/{Damaged}");
        var rows = new RowSalvage($"{into}/{Damaged}", target, shown, settings, time);
        try
        {
            rows.Run(ct);
        }
        catch (SqliteFailure e) when (e.IsDamage)
        {
            ct.ThrowIfCancellationRequested();
            Remove(target);
            return new Salvaged { Method = "row by row", Files = [], NotReadable = [.. Left(), new Finding(shown, $"Nothing of it can be read: {e.Message}."), .. rows.Lost], Notes = notes };
        }

        var verdict = Verify(into, OutputName, ct);
        return Done("row by row", verdict with { Counts = rows.Counts }, rows.Lost, notes);
    }

    private Salvaged Done(string method, Verdict verdict, IReadOnlyList<Finding> lost, IReadOnlyList<Finding> notes) => new()
    {
        Method = method,
        Files = [OutputName],
        Counts = verdict.Counts,
        NotReadable = [.. Left(), .. lost, .. verdict.Errors],
        Notes = [.. notes, .. verdict.Warnings],
    };

    private IEnumerable<Finding> Left() => leftOut is null ? [] : [leftOut];

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
