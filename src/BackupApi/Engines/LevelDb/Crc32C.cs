using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BackupApi.Engines.LevelDb;

/// <summary>CRC-32C (Castagnoli) as LevelDB stores it: masked, so that a CRC over bytes that hold CRCs stays a good one (util/crc32c.h).</summary>
/// <remarks>Here and in the other loops over every byte or key, AggressiveOptimization: a verification is half over before tiered compilation has replaced them.</remarks>
internal static class Crc32C
{
    private const uint MaskDelta = 0xA282EAD8;

    /// <summary>Goes on from <paramref name="crc"/>, the unmasked value of the bytes before; 0 at the start.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (var single in bytes[(bytes.Length & ~7)..])
        {
            crc = BitOperations.Crc32C(crc, single);
        }

        return ~crc;
    }

    public static uint Mask(uint crc) => BitOperations.RotateRight(crc, 15) + MaskDelta;

    public static uint Masked(ReadOnlySpan<byte> bytes) => Mask(Append(0, bytes));
}
