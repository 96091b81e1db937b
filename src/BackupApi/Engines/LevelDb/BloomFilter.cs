using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BackupApi.Engines.LevelDb;

/// <summary>A table's filter block (table/filter_block.cc) with the engine's own Bloom policy (util/bloom.cc): filters, u32 offset of each, u32 offset of those, u8 log2 of the data bytes a filter stands for.</summary>
internal sealed class BloomFilter
{
    public const string PolicyName = "filter.leveldb.BuiltinBloomFilter2";

    private const int TailBytes = 5;
    private const uint Seed = 0xbc9f1d34;

    private readonly byte[] block;
    private readonly int offsetsAt, count, shift;

    private BloomFilter(byte[] block, int offsetsAt, int count, int shift) =>
        (this.block, this.offsetsAt, this.count, this.shift) = (block, offsetsAt, count, shift);

    public int HeldBytes => block.Length;

    /// <summary>Null when the block has not the form of a filter block.</summary>
    public static BloomFilter? Parse(ReadOnlySpan<byte> block)
    {
        if (block.Length < TailBytes)
        {
            return null;
        }

        var filtersEnd = BinaryPrimitives.ReadUInt32LittleEndian(block[^TailBytes..]);
        return filtersEnd <= block.Length - TailBytes && block[^1] < 32
            ? new BloomFilter(block.ToArray(), (int)filtersEnd, (block.Length - TailBytes - (int)filtersEnd) / 4, block[^1])
            : null;
    }

    /// <summary>False when a reader would not look for the key in the data block at <paramref name="blockOffset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool MayHold(long blockOffset, ReadOnlySpan<byte> userKey)
    {
        var index = blockOffset >> shift;
        if (index >= count)
        {
            return true;
        }

        var at = offsetsAt + (4 * (int)index);
        var start = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(at));
        var end = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(at + 4));
        if (start > end || end > offsetsAt)
        {
            return true;
        }

        if (end - start < 2)
        {
            return start != end;
        }

        var bits = block.AsSpan((int)start, (int)(end - start) - 1);
        var probes = block[end - 1];
        return probes > 30 || HoldsAll(bits, probes, Hash(userKey));
    }

    private static bool HoldsAll(ReadOnlySpan<byte> bits, int probes, uint hash)
    {
        var step = (hash >> 17) | (hash << 15);
        var size = (uint)bits.Length * 8;
        for (; probes > 0; probes--, hash += step)
        {
            var bit = hash % size;
            if ((bits[(int)(bit / 8)] & (1 << (int)(bit % 8))) == 0)
            {
                return false;
            }
        }

        return true;
    }

    private static uint Hash(ReadOnlySpan<byte> data)
    {
        const uint Multiplier = 0xc6a4a793;
        var hash = Seed ^ ((uint)data.Length * Multiplier);
        for (; data.Length >= 4; data = data[4..])
        {
            hash = (hash + BinaryPrimitives.ReadUInt32LittleEndian(data)) * Multiplier;
            hash ^= hash >> 16;
        }

        if (data.Length == 0)
        {
            return hash;
        }

        for (var i = 0; i < data.Length; i++)
        {
            hash += (uint)data[i] << (8 * i);
        }

        hash *= Multiplier;
        return hash ^ (hash >> 24);
    }
}
