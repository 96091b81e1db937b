using System.Buffers.Binary;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LevelDb;

/// <summary>Looks behind the last bad record of a log for a sound one in the same block, which a reader that trusts lengths cannot find.</summary>
internal static class LogResync
{
    /// <summary>Longest step of sequence numbers over one lost part that still belongs to this log, not to a log somebody stored as a value.</summary>
    private const ulong MaxGap = 1_000_000;

    private const byte Full = 1, First = 2;

    /// <summary>True when a batch of this log begins somewhere behind <paramref name="offset"/> in its block. At most 32768 places are tried.</summary>
    public static bool FindsBatchBehind(SafeFileHandle file, long length, long offset, ulong nextSequence)
    {
        var blockEnd = Math.Min(length, ((offset / LogReader.BlockBytes) + 1) * LogReader.BlockBytes);
        var rest = new byte[blockEnd - offset];
        rest = rest[..QuietCopy.ReadFully(file, rest, offset)];
        for (var i = 1; i + LogReader.HeaderBytes + WriteBatch.HeaderBytes <= rest.Length; i++)
        {
            if (IsBatch(rest.AsSpan(i), nextSequence))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsBatch(ReadOnlySpan<byte> bytes, ulong nextSequence)
    {
        int payload = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (bytes[6] is not (Full or First) || payload < WriteBatch.HeaderBytes || LogReader.HeaderBytes + payload > bytes.Length)
        {
            return false;
        }

        var sequence = BinaryPrimitives.ReadUInt64LittleEndian(bytes[LogReader.HeaderBytes..]);
        return sequence >= nextSequence && sequence - nextSequence <= MaxGap
            && Crc32C.Masked(bytes.Slice(6, 1 + payload)) == BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }
}
