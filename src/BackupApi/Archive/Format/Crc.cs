using System.Buffers.Binary;
using System.Numerics;

namespace BackupApi.Archive.Format;

/// <summary>CRC-32C (Castagnoli) of compressed bytes: finds rot in a chunk without inflating it. Not the CRC of gzip.</summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Goes on from a state that began as <see cref="uint.MaxValue"/>; the CRC is its complement.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var b in bytes)
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }
}

/// <summary>The CRC-32 of two pieces put together, from the CRC-32 of each: what lets one gzip member be made of independent chunks.</summary>
/// <remarks>
/// Appending n zero bytes to a message multiplies its CRC by x^(8n) modulo the polynomial of RFC 1952 8; CRCs of equal length add by XOR.
/// Polynomials are kept bit-reversed, as gzip keeps its CRC: bit 31 is x^0.
/// </remarks>
internal static class Crc32Combination
{
    private const uint Polynomial = 0xEDB88320;
    private const uint One = 0x80000000;

    /// <summary>x^(8 · 2^k) for each k: squarings of x^8.</summary>
    private static readonly uint[] PowersOfByte = MakePowers();

    public static uint Combine(uint first, uint second, long secondLength)
    {
        var power = One;
        for (var k = 0; secondLength != 0; k++, secondLength >>= 1)
        {
            if ((secondLength & 1) != 0)
            {
                power = Multiply(PowersOfByte[k], power);
            }
        }

        return Multiply(power, first) ^ second;
    }

    private static uint[] MakePowers()
    {
        var powers = new uint[63];
        powers[0] = One >> 8;
        for (var k = 1; k < powers.Length; k++)
        {
            powers[k] = Multiply(powers[k - 1], powers[k - 1]);
        }

        return powers;
    }

    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (var bit = One; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0)
            {
                product ^= b;
            }

            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }
}
