namespace BackupApi.Archive.Chunks;

/// <summary>Tells content that deflate cannot shorten (encrypted, already compressed) at a fiftieth of the price of trying.</summary>
/// <remarks>Looks at the content alone, never at a clock, so that the same content always gives the same archive.</remarks>
internal static class Compressibility
{
    private const int PieceLength = 4096;

    /// <summary>Below this many bytes trying is cheap.</summary>
    private const int MinLength = 4 * PieceLength;

    /// <summary>Bits a byte above which Huffman coding saves less than 1 %. A sample of 16 KiB of random bytes shows about 7.988.</summary>
    private const double RandomEntropy = 7.95;

    /// <summary>One repeated four-byte string in this many positions is what chance gives in 64 KiB of random bytes, with room.</summary>
    private const int RareRepeats = 256;

    public static bool IsHopeless(ReadOnlySpan<byte> content) =>
        content.Length >= MinLength && Entropy(content) > RandomEntropy && Repeats(content) < content.Length / 2 / RareRepeats;

    /// <summary>Of four pieces spread over the content, in bits a byte.</summary>
    private static double Entropy(ReadOnlySpan<byte> content)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        var step = (content.Length - PieceLength) / 3;
        for (var piece = 0; piece < 4; piece++)
        {
            foreach (var b in content.Slice(piece * step, PieceLength))
            {
                counts[b]++;
            }
        }

        double bits = 0;
        foreach (var count in counts)
        {
            if (count > 0)
            {
                var share = count / (4.0 * PieceLength);
                bits -= share * Math.Log2(share);
            }
        }

        return bits;
    }

    /// <summary>How many of every second position hold four bytes that were seen before within deflate's window of 32 KiB.</summary>
    private static int Repeats(ReadOnlySpan<byte> content)
    {
        const int HashBits = 13;
        Span<int> last = stackalloc int[1 << HashBits];
        last.Fill(-(1 << 20));
        var repeats = 0;
        for (var i = 0; i + 4 <= content.Length; i += 2)
        {
            var four = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(content[i..]);
            ref var before = ref last[(int)((four * 2654435761) >> (32 - HashBits))];
            if (i - before <= 32 * 1024 && System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(content[before..]) == four)
            {
                repeats++;
            }

            before = i;
        }

        return repeats;
    }
}
