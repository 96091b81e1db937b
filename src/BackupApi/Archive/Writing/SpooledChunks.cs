using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>Compressed chunks of one of our own entries, set aside until the content is written: in memory while they are few, else in a file without a name.</summary>
internal sealed class SpooledChunks(string beside, int level) : IDisposable
{
    private const int MaxInMemory = 8 << 20;

    private readonly MemoryStream memory = new();
    private SafeFileHandle? spill;
    private byte[] compressed = [];

    /// <summary>Bytes of content, and of all compressed chunks.</summary>
    public long ContentLength { get; private set; }

    public long CompressedLength { get; private set; }

    /// <summary>Of the content.</summary>
    public uint Crc32 { get; private set; }

    /// <summary>Compresses one chunk; its compressed length and the CRC-32C of that.</summary>
    public (int Length, uint Crc32C) Add(ReadOnlySpan<byte> content)
    {
        if (compressed.Length < ChunkCodec.MaxCompressedLength(content.Length))
        {
            compressed = new byte[ChunkCodec.MaxCompressedLength(content.Length)];
        }

        var (length, crc) = ChunkCodec.Compress(content, compressed, compressed.Length, level);
        var bytes = compressed.AsSpan(0, length);
        Crc32 = Crc32Combination.Combine(Crc32, crc, content.Length);
        Keep(bytes);
        ContentLength += content.Length;
        CompressedLength += length;
        return (length, Format.Crc32C.Of(bytes));
    }

    public Mark MarkHere() => new(ContentLength, CompressedLength, Crc32);

    /// <summary>Forgets what was added since the mark.</summary>
    public void Return(Mark mark)
    {
        (ContentLength, CompressedLength, Crc32) = (mark.ContentLength, mark.CompressedLength, mark.Crc32);
        if (spill is null)
        {
            memory.SetLength(CompressedLength);
        }
    }

    public void CopyTo(ArchiveOutput output)
    {
        if (spill is null)
        {
            output.Append(memory.GetBuffer().AsSpan(0, (int)CompressedLength));
            return;
        }

        var buffer = new byte[1 << 16];
        for (long at = 0; at < CompressedLength;)
        {
            var length = RandomAccess.Read(spill, buffer.AsSpan(0, (int)Math.Min(buffer.Length, CompressedLength - at)), at);
            output.Append(length > 0 ? buffer.AsSpan(0, length) : throw new IOException("The spool file of the archive became shorter."));
            at += length;
        }
    }

    public void Dispose()
    {
        spill?.Dispose();
        memory.Dispose();
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (spill is null && CompressedLength + bytes.Length <= MaxInMemory)
        {
            memory.Write(bytes);
            return;
        }

        if (spill is null)
        {
            // Removed at once: it goes with the process, however that ends.
            spill = Posix.CreateNew(beside);
            Posix.Unlink(beside);
            RandomAccess.Write(spill, memory.GetBuffer().AsSpan(0, (int)CompressedLength), 0);
            memory.SetLength(0);
            memory.Capacity = 0;
        }

        RandomAccess.Write(spill, bytes, CompressedLength);
    }

    internal readonly record struct Mark(long ContentLength, long CompressedLength, uint Crc32);
}
