using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LevelDb;

/// <summary>Reads the records of a log or MANIFEST as the engine would, and keeps account of everything it had to pass over.</summary>
/// <remarks>
/// The file is blocks of 32768 bytes; a record is: masked CRC-32C 4, length 2, type 1, payload (db/log_format.h). The CRC covers type and payload.
/// After a bad record the engine drops the rest of the block and goes on with the next, silently for a log; so does this reader, but it remembers.
/// </remarks>
internal sealed class LogReader
{
    public const int BlockBytes = 32768;
    public const int HeaderBytes = 7;
    public const int DefaultMaxRecordBytes = 64 << 20;

    private const int MaxDefects = 100;
    private const byte Zero = 0, Full = 1, First = 2, Last = 4;

    private readonly byte[] block = new byte[BlockBytes];
    private readonly List<LogDefect> defects = [];
    private readonly ArrayBufferWriter<byte> assembled = new();
    private readonly SafeFileHandle file;
    private readonly int maxRecordBytes;
    private long length;
    private long blockStart;
    private int blockLength;
    private int position;
    private bool inRecord;
    private bool isTooLarge;
    private int firstOpenDefect;

    /// <param name="length">How much of the file is read: what is appended later is left alone.</param>
    public LogReader(SafeFileHandle file, long length, int maxRecordBytes = DefaultMaxRecordBytes) =>
        (this.file, this.length, this.maxRecordBytes) = (file, length, maxRecordBytes);

    /// <summary>What was passed over so far, the first hundred.</summary>
    public IReadOnlyList<LogDefect> Defects => defects;

    /// <summary>Where the first header of the record last read begins.</summary>
    public long RecordStart { get; private set; }

    /// <summary>Where the record last read ends; 0 before the first.</summary>
    public long RecordEnd { get; private set; }

    /// <summary>The next whole record. The bytes are valid until the next call.</summary>
    public bool TryRead(out ReadOnlySpan<byte> record)
    {
        while (TryFragment(out var type, out var start, out var payload))
        {
            if (type is Full or First)
            {
                if (inRecord)
                {
                    Report(RecordStart, LogDefectKind.Unfinished, isFollowed: true);
                }

                RecordStart = start;
                inRecord = type == First;
                isTooLarge = false;
                assembled.ResetWrittenCount();
                if (type == Full)
                {
                    RecordEnd = blockStart + position;
                    record = payload;
                    return true;
                }
            }
            else if (!inRecord)
            {
                // The rest of a record whose head was just reported as bad is part of that loss.
                if (defects.Count == 0 || !defects[^1].IsFollowed)
                {
                    Report(start, LogDefectKind.Stray, isFollowed: true);
                }

                continue;
            }

            Append(payload);
            if (type == Last)
            {
                inRecord = false;
                RecordEnd = blockStart + position;
                if (!isTooLarge)
                {
                    record = assembled.WrittenSpan;
                    return true;
                }

                Report(RecordStart, LogDefectKind.TooLarge);
            }
        }

        record = default;
        return false;
    }

    private void Append(ReadOnlySpan<byte> payload)
    {
        isTooLarge |= assembled.WrittenCount + payload.Length > maxRecordBytes;
        if (!isTooLarge)
        {
            assembled.Write(payload);
        }
    }

    private bool TryFragment(out byte type, out long start, out ReadOnlySpan<byte> payload)
    {
        while (true)
        {
            var left = blockLength - position;
            start = blockStart + position;
            if (left < HeaderBytes)
            {
                if (blockStart + blockLength < length)
                {
                    ReadBlock();
                    continue;
                }

                End(start, left);
                type = Zero;
                payload = default;
                return false;
            }

            var header = block.AsSpan(position, left);
            int payloadBytes = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
            type = header[6];
            if (HeaderBytes + payloadBytes > left)
            {
                // In a full block no crash explains it; in the last, short one it is what a crash while writing leaves.
                var isPossible = blockLength < BlockBytes && position + HeaderBytes + payloadBytes <= BlockBytes && type is >= Zero and <= Last;
                Drop(start, isPossible ? LogDefectKind.Cut : LogDefectKind.BadLength);
            }
            else if (type == Zero && payloadBytes == 0)
            {
                Drop(start, header.ContainsAnyExcept((byte)0) ? LogDefectKind.BadChecksum : LogDefectKind.Zeros);
            }
            else if (Crc32C.Masked(header.Slice(6, 1 + payloadBytes)) != BinaryPrimitives.ReadUInt32LittleEndian(header))
            {
                Drop(start, LogDefectKind.BadChecksum);
            }
            else
            {
                MarkFollowed();
                position += HeaderBytes + payloadBytes;
                if (type is Zero or > Last)
                {
                    Report(start, LogDefectKind.BadType, isFollowed: true);
                    inRecord = false;
                    continue;
                }

                payload = header.Slice(HeaderBytes, payloadBytes);
                return true;
            }
        }
    }

    private void ReadBlock()
    {
        blockStart += blockLength;
        blockLength = 0;
        position = 0;
        var wanted = (int)Math.Min(BlockBytes, length - blockStart);
        while (blockLength < wanted)
        {
            var read = RandomAccess.Read(file, block.AsSpan(blockLength, wanted - blockLength), blockStart + blockLength);
            if (read == 0)
            {
                length = blockStart + blockLength;
                return;
            }

            blockLength += read;
        }
    }

    private void Drop(long start, LogDefectKind kind)
    {
        position = blockLength;
        inRecord = false;
        Report(start, kind);
    }

    private void End(long start, int left)
    {
        if (inRecord)
        {
            Report(RecordStart, LogDefectKind.Cut);
        }
        else if (left > 0 && blockLength < BlockBytes)
        {
            Report(start, LogDefectKind.Cut);
        }

        inRecord = false;
        position = blockLength;
    }

    private void Report(long start, LogDefectKind kind, bool isFollowed = false)
    {
        if (defects.Count < MaxDefects)
        {
            defects.Add(new LogDefect(start, kind) { IsFollowed = isFollowed });
        }
    }

    private void MarkFollowed()
    {
        for (; firstOpenDefect < defects.Count; firstOpenDefect++)
        {
            defects[firstOpenDefect].IsFollowed |= defects[firstOpenDefect].Kind != LogDefectKind.TooLarge;
        }
    }
}
