using System.Buffers.Binary;
using System.Numerics;

namespace BackupApi.Engines.LiteDb;

/// <summary>A set of fixed size in memory: two sets with the same members, in whatever order they came, are equal; others differ but for chance (2^-64).</summary>
/// <remarks>A guard against damage, not against an opponent: a file made to collide gains nothing by it.</remarks>
internal struct SetHash : IEquatable<SetHash>
{
    private ulong sum;
    private ulong xor;

    public long Count { get; private set; }

    public void Add(ulong member)
    {
        var mixed = Mix(member);
        sum += mixed;
        xor ^= BitOperations.RotateLeft(mixed, 23) * 0x9E3779B97F4A7C15;
        Count++;
    }

    public readonly bool Equals(SetHash other) => sum == other.sum && xor == other.xor && Count == other.Count;

    public override readonly bool Equals(object? obj) => obj is SetHash other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(sum, xor, Count);

    public static ulong Of(ulong one, ulong other) => Mix(one ^ BitOperations.RotateLeft(Mix(other), 17));

    public static ulong Of(ulong seed, ReadOnlySpan<byte> bytes)
    {
        var hash = seed ^ ((ulong)bytes.Length * 0xC2B2AE3D27D4EB4F);
        while (bytes.Length >= 8)
        {
            hash = BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt64LittleEndian(bytes) * 0x9E3779B185EBCA87), 31) * 0xC2B2AE3D27D4EB4F;
            bytes = bytes[8..];
        }

        ulong tail = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            tail |= (ulong)bytes[i] << (8 * i);
        }

        return Mix(hash ^ (tail * 0x165667B19E3779F9));
    }

    /// <summary>The finaliser of SplitMix64.</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
