using System.Buffers.Binary;
using System.IO.Compression;
using BackupApi.Archive.Format;
using ICSharpCode.SharpZipLib.Checksum;

namespace BackupApi.Archive.Chunks;

/// <summary>Compresses and inflates one chunk by itself.</summary>
/// <remarks>
/// A chunk is a gzip member without its head and tail: compressed data up to a sync flush (RFC 1951 3.2.4, an empty stored block that ends on a byte), or stored blocks.
/// The CRC-32 comes from the trailer that GZipStream writes, and is checked by the one it reads, at the library's speed.
/// </remarks>
internal static class ChunkCodec
{
    private const int HeaderLength = 10;

    /// <summary>How many bytes the compressed form of any content of that length may take in <see cref="Compress"/>'s target: what deflate adds at worst, and the frame.</summary>
    public static int MaxCompressedLength(int length) => length + (length >> 8) + 1024;

    /// <summary>Compresses <paramref name="content"/> to <paramref name="target"/>; as stored blocks when that is not larger.</summary>
    /// <param name="level">Of zlib: 1 to 9.</param>
    /// <returns>Length of the compressed bytes and the CRC-32 of the content.</returns>
    public static (int Length, uint Crc32) Compress(ReadOnlySpan<byte> content, byte[] target, int targetLength, int level)
    {
        if (content.Length == 0)
        {
            return (0, 0);
        }

        if (Compressibility.IsHopeless(content))
        {
            return Store(content, target);
        }

        using var output = new MemoryStream(target, 0, targetLength);
        long end;
        try
        {
            using (var gzip = new GZipStream(output, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
            {
                gzip.Write(content);
                gzip.Flush();
                end = output.Position;
            }
        }
        catch (NotSupportedException)
        {
            // The fixed target is full: deflate made it larger.
            return Store(content, target);
        }

        var length = (int)end - HeaderLength;
        if (length >= ArchiveLayout.StoredLength(content.Length))
        {
            return Store(content, target);
        }

        var crc = BinaryPrimitives.ReadUInt32LittleEndian(target.AsSpan((int)output.Position - ArchiveLayout.TrailerLength));
        target.AsSpan(HeaderLength, length).CopyTo(target);
        return (length, crc);
    }

    /// <summary>Inflates a chunk into exactly <paramref name="content"/>.</summary>
    /// <returns>False when the bytes are not a chunk of that length and CRC-32.</returns>
    public static bool TryInflate(ReadOnlySpan<byte> compressed, Span<byte> content, uint crc32, byte[] frame)
    {
        if (compressed.IsEmpty)
        {
            return content.IsEmpty && crc32 == 0;
        }

        // A whole gzip file around the chunk: a chunk that ends early, late or in the middle of a block then fails on the trailer.
        var length = Frame(compressed, content.Length, crc32, frame);
        try
        {
            using var input = new MemoryStream(frame, 0, length, writable: false);
            using var gzip = new GZipStream(input, CompressionMode.Decompress);
            Span<byte> beyond = stackalloc byte[1];
            return gzip.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) == content.Length && gzip.Read(beyond) == 0;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Inflates bytes whose CRC-32C was right into exactly <paramref name="content"/>.</summary>
    public static bool TryInflateUnchecked(ReadOnlySpan<byte> compressed, Span<byte> content)
    {
        var framed = new byte[compressed.Length + ArchiveLayout.EmptyFinalBlock.Length];
        compressed.CopyTo(framed);
        ArchiveLayout.EmptyFinalBlock.CopyTo(framed.AsSpan(compressed.Length));
        try
        {
            using var deflate = new DeflateStream(new MemoryStream(framed, writable: false), CompressionMode.Decompress);
            Span<byte> beyond = stackalloc byte[1];
            return deflate.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) == content.Length && deflate.Read(beyond) == 0;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Bytes that <see cref="TryInflate"/> needs as its frame.</summary>
    public static int FrameLength(int compressedLength) => HeaderLength + compressedLength + 2 + ArchiveLayout.TrailerLength;

    private static int Frame(ReadOnlySpan<byte> compressed, int contentLength, uint crc32, byte[] frame)
    {
        ArchiveLayout.GzipHeader.CopyTo(frame);
        compressed.CopyTo(frame.AsSpan(HeaderLength));
        var at = HeaderLength + compressed.Length;
        ArchiveLayout.EmptyFinalBlock.CopyTo(frame.AsSpan(at));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(at + 2), crc32);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(at + 6), (uint)contentLength);
        return FrameLength(compressed.Length);
    }

    private static (int Length, uint Crc32) Store(ReadOnlySpan<byte> content, byte[] target)
    {
        var length = ArchiveLayout.WriteStored(content, target);
        return (length, Crc32Of(content));
    }

    /// <summary>CRC-32 of bytes that no GZipStream sees.</summary>
    public static uint Crc32Of(ReadOnlySpan<byte> content)
    {
        var crc = new Crc32();
        var copy = System.Buffers.ArrayPool<byte>.Shared.Rent(Math.Min(content.Length, ArchiveLayout.ChunkLength) + 1);
        while (!content.IsEmpty)
        {
            var length = Math.Min(content.Length, ArchiveLayout.ChunkLength);
            content[..length].CopyTo(copy);
            crc.Update(new ArraySegment<byte>(copy, 0, length));
            content = content[length..];
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(copy);
        return (uint)crc.Value;
    }
}
