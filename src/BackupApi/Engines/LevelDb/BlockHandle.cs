namespace BackupApi.Engines.LevelDb;

/// <summary>Where a block lies in its table, without its trailer of <see cref="TrailerBytes"/> bytes: type 1, masked CRC-32C 4 (table/format.h).</summary>
internal readonly record struct BlockHandle(long Offset, long Size)
{
    public const int TrailerBytes = 5;

    public long End => Offset + Size + TrailerBytes;

    /// <summary>False when it is malformed or leads out of the first <paramref name="limit"/> bytes.</summary>
    public static bool TryRead(ref ByteCursor cursor, long limit, out BlockHandle handle)
    {
        handle = default;
        if (!cursor.TryVarint64(out var offset) || !cursor.TryVarint64(out var size)
            || offset > (ulong)limit || size > (ulong)limit || offset + size + TrailerBytes > (ulong)limit)
        {
            return false;
        }

        handle = new BlockHandle((long)offset, (long)size);
        return true;
    }
}
