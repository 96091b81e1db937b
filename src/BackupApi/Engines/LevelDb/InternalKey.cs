using System.Buffers.Binary;

namespace BackupApi.Engines.LevelDb;

/// <summary>A key as it lies in tables and in the MANIFEST: the user's key, then 8 bytes of sequence number and type (db/dbformat.h).</summary>
internal static class InternalKey
{
    public const int TagBytes = 8;
    public const ulong MaxSequence = (1UL << 56) - 1;
    public const byte Deletion = 0;
    public const byte Value = 1;

    public static ReadOnlySpan<byte> UserKey(ReadOnlySpan<byte> key) => key[..^TagBytes];

    /// <summary>Sequence number in the upper 56 bits, type in the lower 8.</summary>
    public static ulong Tag(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt64LittleEndian(key[^TagBytes..]);

    /// <summary>User keys ascending by bytes, and within one user key the newest first.</summary>
    public static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var order = UserKey(left).SequenceCompareTo(UserKey(right));
        return order != 0 ? order : Tag(right).CompareTo(Tag(left));
    }
}
