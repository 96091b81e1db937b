using System.Globalization;
using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>One step from the index over the workers to whoever reads: a segment begins, one of its chunks, it ends.</summary>
internal sealed class ReadStep
{
    /// <summary>Set where a segment begins.</summary>
    public IReadOnlyList<IndexedEntry>? Entries { get; init; }

    /// <summary>Set where a segment ends.</summary>
    public IReadOnlyList<Sha256Value>? Hashes { get; init; }

    public ChunkRecord Chunk { get; set; }

    /// <summary>Content of the chunk, once it was inflated.</summary>
    public byte[] Content { get; private set; } = [];

    /// <summary>What is wrong with the chunk; null when it was whole.</summary>
    public string? Damage { get; private set; }

    private byte[] compressed = [];
    private byte[] frame = [];

    /// <summary>Reads and inflates the chunk: CRC-32C, length and CRC-32 must be right, and its SHA-256 where that is asked for.</summary>
    public void Inflate(ArchiveFile file, bool withSha256)
    {
        var length = Chunk.CompressedLength;
        Grow(length);
        Damage = null;
        var bytes = compressed.AsSpan(0, length);
        var content = Content.AsSpan(0, Chunk.Length);
        if (!TryRead(file, bytes))
        {
            Damage ??= "The archive ends inside a chunk";
        }
        else if (Crc32C.Of(bytes) != Chunk.Crc32C)
        {
            Damage = "A chunk does not match its checksum";
        }
        else if (!ChunkCodec.TryInflate(bytes, content, Chunk.Crc32, frame))
        {
            Damage = "A chunk does not inflate to what the index says";
        }
        else if (withSha256 && !IsRight(content))
        {
            Damage = "The content of a chunk does not match its SHA-256";
        }
    }

    /// <summary>Where the chunk lies, for messages.</summary>
    public string Place(ArchiveFile file) => string.Create(CultureInfo.InvariantCulture, $"archive offset {Offset(file)}, {Chunk.CompressedLength} bytes");

    private long Offset(ArchiveFile file) => file.Locator!.ContentOffset + Chunk.Offset;

    private bool TryRead(ArchiveFile file, Span<byte> bytes)
    {
        try
        {
            return file.TryRead(bytes, Offset(file));
        }
        catch (BackupException e)
        {
            Damage = $"A chunk cannot be read: {e.Message}";
            return false;
        }
    }

    private bool IsRight(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[Sha256Value.Length];
        System.Security.Cryptography.SHA256.HashData(content, hash);
        return Sha256Value.From(hash) == Chunk.Sha256;
    }

    private void Grow(int length)
    {
        if (compressed.Length < length)
        {
            compressed = new byte[length];
            frame = new byte[ChunkCodec.FrameLength(length)];
        }

        if (Content.Length < Chunk.Length)
        {
            Content = new byte[Chunk.Length];
        }
    }
}
