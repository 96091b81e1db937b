using BackupApi.Files;

namespace BackupApi.Engines.LevelDb;

/// <summary>Sorts what the logs hold into runs of bounded size, each a scratch file that goes with its cursor.</summary>
internal sealed class SalvageLogs(Verification verification, string scratchFolder)
{
    /// <summary>Keys and values sorted in memory at one time.</summary>
    private const int RunBytes = 16 << 20;

    private readonly List<(byte[] Key, ulong Tag, byte[] Value)> entries = [];
    private readonly List<Func<IEntryCursor>> runs = [];
    private long held;

    /// <summary>How to open a cursor for each run. A record that does not stand is reported and passed over; so is a batch that is not whole, from where it breaks.</summary>
    public IReadOnlyList<Func<IEntryCursor>> Read(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            try
            {
                ReadLog(name);
            }
            catch (PosixException e)
            {
                verification.Findings.Error(name, $"The log cannot be read: {e.Message}.");
            }
        }

        EndRun();
        return runs;
    }

    private void ReadLog(string name)
    {
        var path = verification.PathOf(name);
        using var file = Posix.OpenRead(path);
        var reader = new LogReader(file, Posix.Stat(file, path).Size);
        while (reader.TryRead(out var record))
        {
            verification.Cancellation.ThrowIfCancellationRequested();
            var batch = new WriteBatch(record);
            while (batch.MoveNext())
            {
                entries.Add((batch.Key.ToArray(), batch.Tag, batch.Value.ToArray()));
                held += batch.Key.Length + batch.Value.Length + 64;
                if (held > RunBytes)
                {
                    EndRun();
                }
            }

            if (batch.Problem is { } problem)
            {
                verification.Findings.Error(Findings.At(name, reader.RecordStart), $"{problem}. The rest of the batch is lost.");
            }
        }

        foreach (var defect in reader.Defects)
        {
            verification.Findings.Error(Findings.At(name, defect.Offset), $"{defect.Message}. What it held is lost.");
        }
    }

    private void EndRun()
    {
        if (entries.Count == 0)
        {
            return;
        }

        entries.Sort(static (left, right) =>
        {
            var order = left.Key.AsSpan().SequenceCompareTo(right.Key);
            return order != 0 ? order : right.Tag.CompareTo(left.Tag);
        });
        runs.Add(ScratchRun.Put($"{scratchFolder}/.run-{runs.Count}", scratch => entries.ForEach(entry => scratch.Add(entry.Key, entry.Tag, entry.Value))));
        entries.Clear();
        held = 0;
    }
}
