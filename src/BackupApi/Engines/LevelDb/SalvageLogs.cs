using BackupApi.Files;

namespace BackupApi.Engines.LevelDb;

/// <summary>Sorts what the logs hold into runs of bounded size, each a scratch file that goes with its cursor.</summary>
internal sealed class SalvageLogs(Verification verification, string scratchFolder)
{
    /// <summary>Keys and values sorted in memory at one time.</summary>
    private const int RunBytes = 16 << 20;

    private readonly List<(byte[] Key, ulong Tag, byte[] Value)> entries = [];
    private readonly List<IEntryCursor> runs = [];
    private long held;

    /// <summary>A cursor for each run. A record that does not stand is reported and passed over; so is a batch that is not whole, from where it breaks.</summary>
    public IReadOnlyList<IEntryCursor> Read(IEnumerable<string> names)
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
        var path = $"{scratchFolder}/.run-{runs.Count}";
        using (var writer = new BinaryWriter(new FileStream(Posix.CreateNew(path), FileAccess.Write, 1 << 16)))
        {
            foreach (var (key, tag, value) in entries)
            {
                writer.Write(key.Length);
                writer.Write(value.Length);
                writer.Write(tag);
                writer.Write(key);
                writer.Write(value);
            }
        }

        runs.Add(new Run(path));
        entries.Clear();
        held = 0;
    }

    private sealed class Run(string path) : IEntryCursor
    {
        private readonly BinaryReader reader = new(new FileStream(Posix.OpenRead(path), FileAccess.Read, 1 << 16));
        private byte[] key = [];
        private byte[] value = [];

        public ReadOnlySpan<byte> UserKey => key;

        public ulong Tag { get; private set; }

        public ReadOnlySpan<byte> Value => value;

        public bool MoveNext()
        {
            if (reader.BaseStream.Position == reader.BaseStream.Length)
            {
                return false;
            }

            var (keyLength, valueLength) = (reader.ReadInt32(), reader.ReadInt32());
            Tag = reader.ReadUInt64();
            (key, value) = (reader.ReadBytes(keyLength), reader.ReadBytes(valueLength));
            return true;
        }

        public void Dispose()
        {
            reader.Dispose();
            AtomicFile.Discard(path);
        }
    }
}
