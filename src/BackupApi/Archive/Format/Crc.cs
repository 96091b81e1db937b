using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace BackupApi.Archive.Format;

/// <summary>CRC-32C (Castagnoli) of compressed bytes: finds rot in a chunk without inflating it. Not the CRC of gzip.</summary>
/// <remarks>
/// The processor's instruction takes eight bytes in three cycles, but begins one in each: so three lanes are run side by side and put together by what zeros of a lane's length make of a state, which is linear.
/// </remarks>
internal static class Crc32C
{
    private const int Words = 128;
    private const int Lane = Words * sizeof(ulong);

    private static readonly uint[] OverOneLane = MakeShift(1);
    private static readonly uint[] OverTwoLanes = MakeShift(2);

    public static uint Of(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Goes on from a state that began as <see cref="uint.MaxValue"/>; the CRC is its complement.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 3 * Lane && BitConverter.IsLittleEndian; bytes = bytes[(3 * Lane)..])
        {
            var words = MemoryMarshal.Cast<byte, ulong>(bytes[..(3 * Lane)]);
            var (second, third) = (0u, 0u);
            for (var i = 0; i < Words; i++)
            {
                state = BitOperations.Crc32C(state, words[i]);
                second = BitOperations.Crc32C(second, words[i + Words]);
                third = BitOperations.Crc32C(third, words[i + (2 * Words)]);
            }

            state = Shift(OverTwoLanes, state) ^ Shift(OverOneLane, second) ^ third;
        }

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

    private static uint Shift(uint[] table, uint state) => table[(byte)state] ^ table[256 + (byte)(state >> 8)] ^ table[512 + (byte)(state >> 16)] ^ table[768 + (state >> 24)];

    /// <summary>What so many lanes of zeros make of each byte of a state, at each of its four places.</summary>
    private static uint[] MakeShift(int lanes)
    {
        var table = new uint[4 * 256];
        for (var i = 0; i < table.Length; i++)
        {
            var state = (uint)(i & 0xFF) << (i >> 8 << 3);
            for (var word = 0; word < lanes * Words; word++)
            {
                state = BitOperations.Crc32C(state, 0UL);
            }

            table[i] = state;
        }

        return table;
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
