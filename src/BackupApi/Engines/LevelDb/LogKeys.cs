using BackupApi.Files;

namespace BackupApi.Engines.LevelDb;

/// <summary>The keys of all logs in order, the newest version of each, in bounded memory.</summary>
/// <remarks>
/// Logs are not sorted and nothing may be written beside them. So they are read in rounds: each round keeps the smallest keys
/// behind those already given that fit the budget. A log of the usual few MB takes one round.
/// </remarks>
internal sealed class LogKeys(Verification verification, IReadOnlyList<string> names, int budgetBytes = LogKeys.DefaultBudgetBytes) : IKeyCursor
{
    public const int DefaultBudgetBytes = 32 << 20;

    private const int EntryBytes = 24;
    private const int MaxRounds = 24;

    private readonly List<Entry> entries = [];
    private byte[] keys = [];
    private int used;
    private int current = -1;
    private int rounds;
    private byte[]? given, bound;
    private bool isDone;

    public ReadOnlySpan<byte> UserKey => KeyOf(entries[current]);

    public ulong Tag => entries[current].Tag;

    /// <summary>Rounds made so far.</summary>
    public int Rounds => rounds;

    public bool MoveNext()
    {
        while (++current >= entries.Count)
        {
            if (isDone)
            {
                return false;
            }

            ReadRound();
        }

        return true;
    }

    public void Dispose()
    {
    }

    private void ReadRound()
    {
        given = entries.Count > 0 ? KeyOf(entries[^1]).ToArray() : given;
        entries.Clear();
        (used, current, bound) = (0, -1, null);
        if (++rounds > MaxRounds)
        {
            verification.GiveUpCounting("the logs hold more keys than can be sorted in the memory set aside for it");
        }

        if (verification.NotCounted is not null)
        {
            isDone = true;
            return;
        }

        foreach (var name in names)
        {
            try
            {
                ReadLog(verification.PathOf(name));
            }
            catch (IOException)
            {
                // Reported by LogCheck.
            }
        }

        SortAndKeepNewest();
        isDone = bound is null;
    }

    private void ReadLog(string path)
    {
        using var file = Posix.OpenRead(path);
        var reader = new LogReader(file, Posix.Stat(file, path).Size);
        while (verification.NotCounted is null && reader.TryRead(out var record))
        {
            verification.Cancellation.ThrowIfCancellationRequested();
            var batch = new WriteBatch(record);
            while (batch.MoveNext())
            {
                Take(batch.Key, batch.Tag);
            }
        }
    }

    private void Take(ReadOnlySpan<byte> key, ulong tag)
    {
        if (!IsWanted(key))
        {
            return;
        }

        if (key.Length > budgetBytes / 4)
        {
            verification.GiveUpCounting("a log holds a key too large to be sorted");
            return;
        }

        if (IsFull(key.Length))
        {
            Shrink();
            if (!IsWanted(key))
            {
                return;
            }
        }

        if (keys.Length - used < key.Length)
        {
            Array.Resize(ref keys, Math.Max(4096, 2 * (used + key.Length)));
        }

        key.CopyTo(keys.AsSpan(used));
        entries.Add(new Entry(used, key.Length, tag));
        used += key.Length;
    }

    private bool IsWanted(ReadOnlySpan<byte> key) =>
        (given is null || key.SequenceCompareTo(given) > 0) && (bound is null || key.SequenceCompareTo(bound) < 0);

    private bool IsFull(int more) => used + more + ((entries.Count + 1L) * EntryBytes) > budgetBytes;

    /// <summary>Drops old versions, and the upper half of the keys if that did not make room enough.</summary>
    private void Shrink()
    {
        SortAndKeepNewest();
        var kept = new byte[keys.Length];
        var length = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            var key = KeyOf(entries[i]);
            if (i > 0 && length + key.Length + ((i + 1L) * EntryBytes) > budgetBytes / 2)
            {
                bound = key.ToArray();
                entries.RemoveRange(i, entries.Count - i);
                break;
            }

            key.CopyTo(kept.AsSpan(length));
            entries[i] = entries[i] with { Start = length };
            length += key.Length;
        }

        (keys, used) = (kept, length);
    }

    private void SortAndKeepNewest()
    {
        entries.Sort((left, right) =>
        {
            var order = KeyOf(left).SequenceCompareTo(KeyOf(right));
            return order != 0 ? order : right.Tag.CompareTo(left.Tag);
        });
        var kept = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            if (kept == 0 || !KeyOf(entries[i]).SequenceEqual(KeyOf(entries[kept - 1])))
            {
                entries[kept++] = entries[i];
            }
        }

        entries.RemoveRange(kept, entries.Count - kept);
    }

    private ReadOnlySpan<byte> KeyOf(Entry entry) => keys.AsSpan(entry.Start, entry.Length);

    private readonly record struct Entry(int Start, int Length, ulong Tag);
}
