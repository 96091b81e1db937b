using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace BackupApi.Archive.Encryption;

/// <summary>scrypt (RFC 7914) with the block size and parallelism that age uses: r = 8, p = 1.</summary>
/// <remarks>
/// Needs <see cref="TableBytes"/> at most, given back to the system at once, whatever the work factor: of a larger table only every n-th row is kept, and the rows
/// between are made again when they are asked for. That costs time, never memory.
/// </remarks>
internal static unsafe class Scrypt
{
    /// <summary>Largest table; the rows of work factor 15 fill it.</summary>
    public const long TableBytes = 32L << 20;

    /// <summary>128 * r bytes.</summary>
    private const int RowBytes = 1024;

    /// <summary>A row in vectors of four words; a Salsa20 block is four of them.</summary>
    private const int RowVectors = RowBytes / 16;

    private const int BlockVectors = 4;
    private const int WordsOfBlock = 16;

    /// <summary>Word i of a block in memory is word Diagonal[i] of the specification: so four vectors hold what one step of a round works on.</summary>
    private static ReadOnlySpan<byte> Diagonal => [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11];

    /// <summary>Fills <paramref name="key"/>.</summary>
    /// <param name="logN">Work factor: 2^logN rows are made and as many looked up. From 1 to 30.</param>
    public static void Derive(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, int logN, Span<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(logN, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(logN, 30);
        Span<byte> bytes = stackalloc byte[RowBytes];
        Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, bytes, 1, HashAlgorithmName.SHA256);
        Span<Vector128<uint>> row = stackalloc Vector128<uint>[RowVectors];
        var words = MemoryMarshal.Cast<Vector128<uint>, uint>(row);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * Place(i))..]);
        }

        Mix(row, 1L << logN);
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(4 * Place(i))..], words[i]);
        }

        Rfc2898DeriveBytes.Pbkdf2(passphrase, bytes, key, 1, HashAlgorithmName.SHA256);
        CryptographicOperations.ZeroMemory(bytes);
        row.Clear();
    }

    private static int Place(int i) => (i / WordsOfBlock * WordsOfBlock) + Diagonal[i % WordsOfBlock];

    /// <summary>ROMix (RFC 7914 section 5).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix(Span<Vector128<uint>> row, long rows)
    {
        var step = Math.Max(1, rows * RowBytes / TableBytes);
        var tableBytes = (nuint)(rows / step * RowBytes);
        var table = (Vector128<uint>*)NativeMemory.AlignedAlloc(tableBytes, 64);
        try
        {
            Span<Vector128<uint>> other = stackalloc Vector128<uint>[RowVectors];
            for (long i = 0; i < rows; i++)
            {
                if (i % step == 0)
                {
                    row.CopyTo(RowOf(table, i / step));
                }

                MixBlocks(row, other);
                other.CopyTo(row);
            }

            Span<Vector128<uint>> found = stackalloc Vector128<uint>[RowVectors];
            for (long i = 0; i < rows; i++)
            {
                // Word 0 of the last block stands at its own place in the diagonal order too.
                var at = row[RowVectors - BlockVectors][0] & (rows - 1);
                RowOf(table, at / step).CopyTo(found);
                for (var left = at % step; left > 0; left--)
                {
                    MixBlocks(found, other);
                    other.CopyTo(found);
                }

                for (var k = 0; k < RowVectors; k++)
                {
                    row[k] ^= found[k];
                }

                MixBlocks(row, other);
                other.CopyTo(row);
            }
        }
        finally
        {
            NativeMemory.Clear(table, tableBytes);
            NativeMemory.AlignedFree(table);
        }
    }

    private static Span<Vector128<uint>> RowOf(Vector128<uint>* table, long number) => new(table + (number * RowVectors), RowVectors);

    /// <summary>BlockMix (RFC 7914 section 4): even blocks come first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MixBlocks(ReadOnlySpan<Vector128<uint>> from, Span<Vector128<uint>> to)
    {
        var (a, b, c, d) = (from[^4], from[^3], from[^2], from[^1]);
        for (var i = 0; i < RowVectors; i += BlockVectors)
        {
            Salsa(ref a, ref b, ref c, ref d, from.Slice(i, BlockVectors));
            var block = i / BlockVectors;
            var at = ((block / 2) + (block % 2 * RowVectors / BlockVectors / 2)) * BlockVectors;
            (to[at], to[at + 1], to[at + 2], to[at + 3]) = (a, b, c, d);
        }
    }

    /// <summary>Salsa20/8 (RFC 7914 section 3) of the exclusive-or of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Salsa(ref Vector128<uint> a, ref Vector128<uint> b, ref Vector128<uint> c, ref Vector128<uint> d, ReadOnlySpan<Vector128<uint>> with)
    {
        var (a0, b0, c0, d0) = (a ^ with[0], b ^ with[1], c ^ with[2], d ^ with[3]);
        var (w, x, y, z) = (a0, b0, c0, d0);
        for (var i = 0; i < 4; i++)
        {
            x ^= Turn(w + z, 7);
            y ^= Turn(x + w, 9);
            z ^= Turn(y + x, 13);
            w ^= Turn(z + y, 18);
            x = Vector128.Shuffle(x, Vector128.Create(3u, 0, 1, 2));
            y = Vector128.Shuffle(y, Vector128.Create(2u, 3, 0, 1));
            z = Vector128.Shuffle(z, Vector128.Create(1u, 2, 3, 0));
            z ^= Turn(w + x, 7);
            y ^= Turn(z + w, 9);
            x ^= Turn(y + z, 13);
            w ^= Turn(x + y, 18);
            x = Vector128.Shuffle(x, Vector128.Create(1u, 2, 3, 0));
            y = Vector128.Shuffle(y, Vector128.Create(2u, 3, 0, 1));
            z = Vector128.Shuffle(z, Vector128.Create(3u, 0, 1, 2));
        }

        (a, b, c, d) = (w + a0, x + b0, y + c0, z + d0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Turn(Vector128<uint> words, int bits) => (words << bits) | (words >>> (32 - bits));
}
