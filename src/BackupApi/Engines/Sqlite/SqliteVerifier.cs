using BackupApi.Files;
using BackupApi.Model;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Judges one quiet copy: header, tree shape, integrity_check, foreign_key_check, rows.</summary>
/// <remarks>A copy that still has a WAL or a hot journal is judged as its owner would see it: recovered, in a scratch folder beside the given one.</remarks>
internal sealed class SqliteVerifier(Source source, string folder, SqliteSettings settings, TimeProvider time)
{
    private readonly string database = $"{folder}/{source.Name}";
    private readonly string shown = PathText.Show(source.Name);

    public Verdict Verify(CancellationToken ct)
    {
        if (Posix.FindStat(database) is not { Kind: FileKind.File } stat)
        {
            return Damaged(shown, "The database's file is missing.");
        }

        if (stat.Size == 0)
        {
            return Verdict.Ok(new SortedDictionary<string, long>(StringComparer.Ordinal), notes: [new Finding(shown, "0 bytes: an empty database to SQLite, and no database of any other kind.")]);
        }

        try
        {
            return HasSomethingToRecover() ? VerifyRecovered(ct) : VerifyFile(database, ct);
        }
        catch (SqliteFailure e) when (e.IsOfTheDisk)
        {
            throw e.ToFault($"{shown} could not be verified");
        }
    }

    /// <summary>SQLite has one answer for a file that it cannot make and for a log of a version that it does not know, and opens for reading what the disk does not let it open for writing. The disk is asked, lest a full one be taken for a damaged database.</summary>
    /// <exception cref="IOException">It is the disk.</exception>
    private static void RequireWritable(string scratch, SqliteFailure failure)
    {
        var probe = $"{scratch}/probe";
        using (var file = Posix.CreateNew(probe))
        {
            RandomAccess.Write(file, "written"u8, 0);
            Posix.Flush(file, probe);
        }

        if (failure.Code == raw.SQLITE_READONLY)
        {
            // Nothing in a file makes a copy of ours unwritable but a version of the format that is not there yet.
            throw new PosixException("open", scratch, Errno.EIO);
        }
    }

    private bool HasSomethingToRecover() =>
        Posix.FindStat(database + SideFiles.Wal) is { Kind: FileKind.File, Size: > 0 } || SideFiles.MayBeHot(database + SideFiles.Journal);

    private Verdict VerifyRecovered(CancellationToken ct)
    {
        // Storage itself, after a restore: what lies beside it may be another disk, or not writable; its reserved folder is ours.
        var reserved = $"{folder.TrimEnd('/')}/{OwnFolders.ReservedName}";
        var scratch = $"{(Posix.FindStat(reserved) is { Kind: FileKind.Directory } ? $"{reserved}/" : $"{folder.TrimEnd('/')}.")}sqlite-scratch-{Guid.NewGuid():N}";
        Posix.MakeFolder(scratch);
        try
        {
            var copy = $"{scratch}/copy.db";
            string[] suffixes = SideFiles.MayBeHot(database + SideFiles.Journal) ? ["", SideFiles.Wal, SideFiles.Journal] : ["", SideFiles.Wal];
            if (StableCopy.TryCopy([.. suffixes.Select(suffix => (database + suffix, copy + suffix))], time, ct) is null)
            {
                throw new InvalidOperationException($"{shown} changed while it was verified: a copy must be quiet.");
            }

            StagedRecovery.Recover(copy, hasSuperJournal: name => Posix.FindStat($"{folder}/{name[(name.LastIndexOf('/') + 1)..]}") is not null);
            return VerifyFile(copy, ct);
        }
        catch (SqliteFailure e) when (!e.IsOfTheDisk)
        {
            if (!e.IsDamage)
            {
                RequireWritable(scratch, e);
            }

            return Damaged(shown, $"Its WAL or journal cannot be applied: {e.Message}.");
        }
        finally
        {
            TreeRemoval.Remove(scratch);
        }
    }

    private Verdict VerifyFile(string path, CancellationToken ct)
    {
        using var file = Posix.OpenRead(path);
        var head = new byte[StorageTree.HeadLength];
        head = head[..RandomAccess.Read(file, head, 0)];
        var length = RandomAccess.GetLength(file);
        if (!SqliteHeader.IsDatabase(head))
        {
            return source.Variant == SqliteRecognition.Encrypted && SqliteRecognition.LooksRandom(head)
                ? Verdict.ArchiveOnly("Probably encrypted (SQLCipher, SEE): its structure cannot be read without the key.")
                : Damaged(shown, "The file does not begin like a SQLite database.");
        }

        var warnings = new List<Finding>();
        var header = SqliteHeader.Read(head);
        if (FindHeaderFault(header, length, warnings) is { } fault)
        {
            return Verdict.Damaged([fault], warnings: warnings);
        }

        var shape = new TreeShape(file, shown, header!.Value.PageSize, (int)Math.Min(int.MaxValue - 1, length / header.Value.PageSize));
        using var limit = new CancellationTokenSource(settings.VerifyTimeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            using var check = new DatabaseCheck(path, shown, header.Value, shape, settings);
            return check.Run(warnings, either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Inconclusive($"Verification took longer than {settings.VerifyTimeLimit}.", warnings);
        }
        catch (SqliteFailure e) when (e.Code == raw.SQLITE_NOMEM)
        {
            return Inconclusive($"Verification needs more than {settings.HeapBytes >> 20} MiB of memory.", warnings);
        }
    }

    /// <summary>What makes the library's own answer pointless or imprecise, found by reading the first 100 bytes.</summary>
    private Finding? FindHeaderFault(SqliteHeader? header, long length, List<Finding> warnings)
    {
        if (header is not { } h)
        {
            return new Finding($"{shown} page 1", $"The file has {length} bytes, less than a header's {SqliteHeader.Length}.");
        }

        if (!h.HasMagic || !h.HasPageSize)
        {
            return new Finding($"{shown} page 1", h.HasMagic ? $"The header names a page size of {h.PageSize} bytes." : "The first 16 bytes, the format's name, are altered.");
        }

        var whole = length / h.PageSize;
        if (whole == 0 || (h.PagesAreValid && whole < h.Pages))
        {
            return new Finding($"{shown} page {whole + 1}", $"The file ends inside or before page {whole + 1}; its header counts {h.Pages} pages.");
        }

        if (length % h.PageSize != 0)
        {
            warnings.Add(new Finding($"{shown} page {whole + 1}", $"{length % h.PageSize} bytes behind the last page: they belong to nothing."));
        }

        return null;
    }

    private static Verdict Damaged(string where, string message) => Verdict.Damaged([new Finding(where, message)]);

    /// <summary>Neither proven nor damaged: a later verification may end better.</summary>
    private Verdict Inconclusive(string reason, List<Finding> warnings) => new()
    {
        Level = VerificationLevel.Archive,
        BestLevel = VerificationLevel.Engine,
        Reason = reason,
        Warnings = [.. warnings.Take(Verdict.MaxFindings - 1), new Finding(shown, reason)],
    };
}
