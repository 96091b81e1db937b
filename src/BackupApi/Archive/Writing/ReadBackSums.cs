using System.Security.Cryptography;

namespace BackupApi.Archive.Writing;

/// <summary>What is found out about an archive while its bytes are read back, from the first to the last: the SHA-256 of the file, and the CRC-32C of its head and of the rest.</summary>
internal sealed class ReadBackSums(int headLength) : IDisposable
{
    private readonly IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private uint head = uint.MaxValue;
    private uint rest = uint.MaxValue;
    private long storedLength;

    /// <summary>Bytes of content that were added.</summary>
    public long ContentLength { get; private set; }

    /// <summary>The next bytes of the file as they lie on the disk.</summary>
    public void AddStored(ReadOnlySpan<byte> bytes)
    {
        sha256.AppendData(bytes);
        storedLength += bytes.Length;
    }

    /// <summary>The next bytes of the archive as they were before any encryption.</summary>
    public void AddContent(ReadOnlySpan<byte> bytes)
    {
        var inHead = (int)Math.Clamp(headLength - ContentLength, 0, bytes.Length);
        head = Format.Crc32C.Append(head, bytes[..inHead]);
        rest = Format.Crc32C.Append(rest, bytes[inHead..]);
        ContentLength += bytes.Length;
    }

    /// <summary>SHA-256 in lower-case hexadecimal; null when length or bytes are not the expected ones. To be asked once.</summary>
    public string? FindSha256(long length, ReadBack.Expected expected) =>
        storedLength == length && (~head, ~rest) == (expected.HeadCrc32C, expected.RestCrc32C) ? Convert.ToHexStringLower(sha256.GetHashAndReset()) : null;

    public void Dispose() => sha256.Dispose();
}
