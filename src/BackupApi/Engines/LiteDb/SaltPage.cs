using System.Security.Cryptography;

namespace BackupApi.Engines.LiteDb;

/// <summary>The clear first page of an encrypted data or log file, and the key it gives with a password (AesStream.cs).</summary>
internal static class SaltPage
{
    private const int SaltAt = 1;
    private const int SaltLength = 16;
    private const int CheckAt = 32;
    private const int CheckLength = 32;

    /// <summary>PBKDF2 with HMAC-SHA-1 and 1000 iterations are the format's own choice.</summary>
    private const int Iterations = 1000;

    /// <summary>AES-256 in ECB mode for the pages that follow; null when the password does not fit the check bytes.</summary>
    public static Aes? OpenWith(ReadOnlySpan<byte> page, string password)
    {
#pragma warning disable CA5379, CA5387 // The format fixes the hash and the iteration count.
        var key = Rfc2898DeriveBytes.Pbkdf2(password, page.Slice(SaltAt, SaltLength), Iterations, HashAlgorithmName.SHA1, 32);
#pragma warning restore CA5379, CA5387
        var aes = Aes.Create();
        aes.Key = key;
        Span<byte> plain = stackalloc byte[CheckLength];
        var check = page.Slice(CheckAt, CheckLength);
        Decrypt(aes, check, plain);
        if (plain.IndexOfAnyExcept((byte)1) < 0 || !HasCheck(page))
        {
            return aes;
        }

        aes.Dispose();
        return null;
    }

    /// <summary>False when the check was never written; the engine writes it at its next start.</summary>
    public static bool HasCheck(ReadOnlySpan<byte> page) => page.Slice(CheckAt, CheckLength).IndexOfAnyExcept((byte)0) >= 0;

    public static void Decrypt(Aes aes, ReadOnlySpan<byte> cipher, Span<byte> plain)
    {
#pragma warning disable CA5358 // The format encrypts pages in ECB mode; this only reads it.
        _ = aes.DecryptEcb(cipher, plain, PaddingMode.None);
#pragma warning restore CA5358
    }
}
