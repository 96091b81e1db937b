using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>Judges a quiet copy of a LevelDB folder, from CURRENT down to every key.</summary>
internal sealed class LevelDbVerifier
{
    private readonly string folder;
    private readonly Findings findings;
    private readonly CancellationToken ct;
    private List<FileName> names = [];

    private LevelDbVerifier(string folder, string prefix, CancellationToken ct) =>
        (this.folder, findings, this.ct) = (folder, new Findings(prefix), ct);

    /// <param name="prefix">Put before every file name in findings: the database's folder with a trailing <c>/</c>, or nothing.</param>
    public static Verdict Verify(string folder, string prefix, CancellationToken ct) => new LevelDbVerifier(folder, prefix, ct).Run();

    private Verdict Run()
    {
        var spaces = new KeySpaces();
        try
        {
            names = [.. Posix.ListNames(folder).Select(FileName.Parse)];
            if (ReadManifest() is { } manifest)
            {
                if (manifest.State.IsRocksDb)
                {
                    return RocksDbEngine.Unverifiable;
                }

                Check(manifest, spaces);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            findings.Error("", $"The copy cannot be read: {e.Message}.");
        }

        return findings.ToVerdict(spaces.Counts);
    }

    private Manifest? ReadManifest()
    {
        const int MaxCurrentBytes = 4096;
        using var current = OpenedFile.Find(folder, FileName.Parse("CURRENT"));
        if (current is null)
        {
            findings.Error("CURRENT", "The file is missing: nothing says which MANIFEST is the valid one.");
            return null;
        }

        var name = FileName.ManifestNamedBy(current.ReadHead(MaxCurrentBytes));
        if (name is null)
        {
            findings.Error("CURRENT", "The file does not hold the name of a MANIFEST and a line end.");
            return null;
        }

        using var file = OpenedFile.Find(folder, FileName.Parse(name));
        if (file is null)
        {
            findings.Error(name, "The MANIFEST is missing, though CURRENT names it.");
            return null;
        }

        return ReadManifest(file);
    }

    private Manifest? ReadManifest(OpenedFile file)
    {
        var name = file.Name.Name;
        var manifest = Manifest.Read(file.Handle, file.Stat.Size, ct);
        foreach (var (offset, message) in manifest.Problems)
        {
            findings.Error(Findings.At(name, offset), $"{message}.");
        }

        if (manifest.HasTornTail && manifest.Problems.Count == 0)
        {
            findings.Warning(Findings.At(name, manifest.Length), "The MANIFEST's last record is not whole: the database opens as it was before that change.");
        }

        foreach (var old in names.Where(other => other.Role == FileRole.Manifest && other.Name != name))
        {
            findings.Note(old.Name, "A MANIFEST that CURRENT does not name; the engine will remove it.");
        }

        return manifest.State.IsComplete || manifest.State.IsRocksDb ? manifest : null;
    }

    private void Check(Manifest manifest, KeySpaces spaces)
    {
        var state = manifest.State;
        var verification = new Verification(folder, findings, ct)
        {
            IsOrdered = state.Comparator is null or ManifestState.BytewiseComparator,
            LastSequence = state.LastSequence!.Value,
        };
        if (!verification.IsOrdered)
        {
            findings.Warning("", $"The order of keys by comparator '{PathText.Show(state.Comparator!)}' is not known here: it was not checked.");
            verification.GiveUpCounting("their order is not known here");
        }

        TableListCheck.Run(state, names, findings, verification.IsOrdered);
        var logs = names.Where(name => name.Role == FileRole.Log && state.IsLiveLog(name.Number)).OrderBy(name => name.Number).Select(name => name.Name).ToList();
        new LogCheck(verification, logs).Run();

        var cursors = OpenCursors(state, verification, logs);
        try
        {
            var storedBytes = state.Live.Sum(table => (long)Math.Min(table.Size, 1UL << 40));
            KeyMerge.Count(verification, cursors, storedBytes, spaces);
        }
        finally
        {
            cursors.ForEach(cursor => cursor.Dispose());
        }

        if (verification.NotCounted is { } reason)
        {
            findings.Warning("", $"Its keys were not counted in full: {reason}.");
        }
    }

    private List<IKeyCursor> OpenCursors(ManifestState state, Verification verification, List<string> logs)
    {
        var files = names.Where(name => name.Role == FileRole.Table).DistinctBy(name => name.Number).ToDictionary(name => name.Number, name => name.Name);
        var cursors = new List<IKeyCursor> { new LogKeys(verification, logs) };
        foreach (var level in state.Live.GroupBy(table => table.Level).OrderBy(level => level.Key))
        {
            var tables = level.OrderBy(table => table.Smallest, TableListCheck.ByKey).Select(table => (table, files.GetValueOrDefault(table.Number) ?? $"{table.Number:D6}.ldb"));
            if (level.Key > 0)
            {
                cursors.Add(new LevelCursor(verification, [.. tables]));
                continue;
            }

            // Tables of level 0 overlap: each is a cursor of its own.
            cursors.AddRange(tables.Select(entry => new LevelCursor(verification, [entry])));
        }

        return cursors;
    }
}
