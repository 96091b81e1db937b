using System.Buffers.Binary;
using System.Security.Cryptography;

namespace BackupApi.Archive.Encryption;

/// <summary>What follows the header of an age file (age-encryption.org/v1, "Payload"): a nonce, then pieces of 64 KiB, each sealed by ChaCha20-Poly1305 under its number, the last one marked as such.</summary>
/// <remarks>So any piece can be read alone; a piece that was changed, moved, left out or cut off behind is noticed. Not for several threads at once.</remarks>
internal sealed class AgePayload : IDisposable
{
    /// <summary>Content of every piece but the last.</summary>
    public const int PieceLength = 64 * 1024;

    public const int TagLength = 16;

    /// <summary>Bytes of a piece in the file.</summary>
    public const int SealedLength = PieceLength + TagLength;

    /// <summary>The random bytes before the first piece that make the key of the payload out of the key of the file.</summary>
    public const int NonceLength = 16;

    private const int KeyLength = 32;
    private const int PieceNonceLength = 12;

    private readonly ChaCha20Poly1305 cipher;

    public AgePayload(ReadOnlySpan<byte> fileKey, ReadOnlySpan<byte> nonce)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, key, nonce, "payload"u8);
        cipher = new ChaCha20Poly1305(key);
        CryptographicOperations.ZeroMemory(key);
        Nonce = nonce.ToArray();
    }

    public byte[] Nonce { get; }

    /// <summary>Bytes of content in that many sealed ones; an incomplete piece at the end that holds nothing counts for nothing.</summary>
    public static long ContentLength(long sealedLength) => (sealedLength / SealedLength * PieceLength) + Math.Max(0, (sealedLength % SealedLength) - TagLength);

    /// <summary>Bytes in the file, header and nonce apart. An empty content is one empty piece.</summary>
    public static long SealedLengthOf(long contentLength) => contentLength + (Math.Max(1, (contentLength + PieceLength - 1) / PieceLength) * TagLength);

    /// <summary>Seals one piece. Never twice under the same number and key with other content: that would give both away.</summary>
    /// <param name="sealedPiece">As long as the content and <see cref="TagLength"/>.</param>
    public void Seal(long number, bool isLast, ReadOnlySpan<byte> content, Span<byte> sealedPiece)
    {
        Span<byte> nonce = stackalloc byte[PieceNonceLength];
        Number(nonce, number, isLast);
        cipher.Encrypt(nonce, content, sealedPiece[..content.Length], sealedPiece[content.Length..]);
    }

    /// <summary>False, and no content, when the piece is not the one that was sealed under that number.</summary>
    public bool TryOpen(long number, bool isLast, ReadOnlySpan<byte> sealedPiece, Span<byte> content)
    {
        Span<byte> nonce = stackalloc byte[PieceNonceLength];
        Number(nonce, number, isLast);
        try
        {
            cipher.Decrypt(nonce, sealedPiece[..^TagLength], sealedPiece[^TagLength..], content[..(sealedPiece.Length - TagLength)]);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => cipher.Dispose();

    /// <summary>Eleven bytes count the pieces, highest first; the twelfth marks the last.</summary>
    private static void Number(Span<byte> nonce, long number, bool isLast)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[3..], number);
        nonce[11] = isLast ? (byte)1 : (byte)0;
    }
}
