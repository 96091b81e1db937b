using System.Buffers.Binary;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LevelDb;

internal enum BlockState
{
    Sound,

    /// <summary>Damaged: the message says how.</summary>
    Damaged,

    /// <summary>Sound by its checksum, but its content cannot be looked into here.</summary>
    Opaque,
}

/// <summary>Reads, checks and decompresses blocks; one for each verification, so that its buffer is used for all.</summary>
internal sealed class BlockReader
{
    /// <summary>Longest block, stored or decompressed, that is taken into memory.</summary>
    public const int MaxBlockBytes = 64 << 20;

    private const byte None = 0, Snappy = 1, Zstd = 2;

    /// <summary>Snappy's densest element is 3 bytes for a copy of 64: no block decompresses to more.</summary>
    private const int MaxSnappyRatio = 64;

    private byte[] buffer = new byte[64 << 10];

    public string Message { get; private set; } = "";

    /// <param name="contents">Valid until the next call.</param>
    public BlockState Read(SafeFileHandle file, BlockHandle handle, out ReadOnlyMemory<byte> contents)
    {
        contents = default;
        var total = handle.Size + BlockHandle.TrailerBytes;
        if (handle.Size > MaxBlockBytes)
        {
            return ReadHuge(file, handle.Offset, total);
        }

        if (buffer.Length < total)
        {
            buffer = new byte[Math.Min(total * 2, MaxBlockBytes + BlockHandle.TrailerBytes)];
        }

        var stored = buffer.AsSpan(0, (int)total);
        if (QuietCopy.ReadFully(file, stored, handle.Offset) < total)
        {
            return Damage("The file ends inside the block");
        }

        var body = stored[..^4];
        if (Crc32C.Masked(body) != BinaryPrimitives.ReadUInt32LittleEndian(stored[^4..]))
        {
            return Damage("The block's checksum does not match");
        }

        contents = buffer.AsMemory(0, (int)handle.Size);
        return body[^1] switch
        {
            None => BlockState.Sound,
            Snappy => Decompress(ref contents),
            Zstd => Opaque("The block is compressed by zstd, which this service cannot read: its checksum is right, its content was not looked into"),
            _ => Damage($"The block's compression type {body[^1]} is unknown"),
        };
    }

    private BlockState Decompress(ref ReadOnlyMemory<byte> contents)
    {
        var preamble = new ByteCursor(contents.Span);
        if (!preamble.TryVarint32(out var declared) || declared > (ulong)contents.Length * MaxSnappyRatio)
        {
            return Damage("The block's decompressed length is malformed");
        }

        if (declared > MaxBlockBytes)
        {
            return Opaque("The block is larger than this service takes into memory: its checksum is right, its content was not looked into");
        }

        try
        {
            var plain = IronSnappy.Snappy.Decode(contents.Span);
            contents = plain;
            return plain.Length == declared ? BlockState.Sound : Damage("The block decompresses to another length than it declares");
        }
#pragma warning disable CA1031 // The decoder throws whatever its indexing meets in hostile bytes; each means the same here.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            return Damage("The block cannot be decompressed");
        }
    }

    private BlockState ReadHuge(SafeFileHandle file, long offset, long total)
    {
        var crc = 0u;
        var left = total - 4;
        for (; left > 0;)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, left));
            if (QuietCopy.ReadFully(file, part, offset) < part.Length)
            {
                return Damage("The file ends inside the block");
            }

            crc = Crc32C.Append(crc, part);
            offset += part.Length;
            left -= part.Length;
        }

        var stored = buffer.AsSpan(0, 4);
        return QuietCopy.ReadFully(file, stored, offset) < 4 || Crc32C.Mask(crc) != BinaryPrimitives.ReadUInt32LittleEndian(stored)
            ? Damage("The block's checksum does not match")
            : Opaque("The block is larger than this service takes into memory: its checksum is right, its content was not looked into");
    }

    private BlockState Damage(string message)
    {
        Message = message;
        return BlockState.Damaged;
    }

    private BlockState Opaque(string message)
    {
        Message = message;
        return BlockState.Opaque;
    }
}
