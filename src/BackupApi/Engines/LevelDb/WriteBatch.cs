namespace BackupApi.Engines.LevelDb;

/// <summary>One record of a log: sequence number u64, count u32, then puts (1, key, value) and deletions (0, key), each a length-prefixed string (db/write_batch.cc).</summary>
internal ref struct WriteBatch
{
    public const int HeaderBytes = 12;

    private ByteCursor cursor;
    private uint taken;

    public WriteBatch(ReadOnlySpan<byte> record)
    {
        cursor = new ByteCursor(record);
        if (!cursor.TryFixed64(out var sequence) || !cursor.TryFixed32(out var count))
        {
            Problem = "A batch is shorter than its header";
        }
        else if (sequence > InternalKey.MaxSequence - count)
        {
            Problem = "A batch's sequence number is higher than any can be";
        }
        else
        {
            (Sequence, Count) = (sequence, count);
        }
    }

    public ulong Sequence { get; }

    public uint Count { get; }

    /// <summary>What is wrong, once <see cref="MoveNext"/> gave false; null when the batch ended well.</summary>
    public string? Problem { get; private set; }

    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>Sequence number of this entry in the upper 56 bits, its type in the lower 8.</summary>
    public ulong Tag { get; private set; }

    /// <summary>Empty for a deletion.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool MoveNext()
    {
        if (Problem is not null)
        {
            return false;
        }

        if (cursor.Left == 0)
        {
            Problem = taken == Count ? null : "A batch does not hold as many entries as it says";
            return false;
        }

        if (!cursor.TryByte(out var type) || type > InternalKey.Value || !cursor.TryString(out var key))
        {
            Problem = "A batch holds a malformed entry";
            return false;
        }

        ReadOnlySpan<byte> value = default;
        if (type == InternalKey.Value && !cursor.TryString(out value))
        {
            Problem = "A batch holds a malformed entry";
            return false;
        }

        Key = key;
        Value = value;
        Tag = ((Sequence + taken) << 8) | type;
        taken++;
        return true;
    }
}
