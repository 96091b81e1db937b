using System.Security.Cryptography;
using BackupApi.Archive.Format;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Reads a finished archive once more, as a whole: its bytes must be those that were written. Gives the SHA-256 of the file on the way.</summary>
internal static class ReadBack
{
    /// <param name="HeadCrc32C">Of the head.</param>
    /// <param name="RestCrc32C">Of all behind it.</param>
    internal readonly record struct Expected(int HeadLength, uint HeadCrc32C, uint RestCrc32C);

    /// <summary>SHA-256 in lower-case hexadecimal; null when length or bytes differ.</summary>
    public static async Task<string?> FindSha256Async(string path, long length, Expected expected, Progress progress, CancellationToken ct)
    {
        using var handle = Posix.OpenRead(path);
        if (Posix.Stat(handle, path).Size != length)
        {
            return null;
        }

        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        var (head, rest) = (uint.MaxValue, uint.MaxValue);
        int got;
        for (long at = 0; (got = await RandomAccess.ReadAsync(handle, buffer, at, ct)) > 0; at += got)
        {
            sha256.AppendData(buffer, 0, got);
            var inHead = (int)Math.Clamp(expected.HeadLength - at, 0, got);
            head = Crc32C.Append(head, buffer.AsSpan(0, inHead));
            rest = Crc32C.Append(rest, buffer.AsSpan(inHead, got - inHead));
            progress.AddBytes(got);
        }

        return ~head == expected.HeadCrc32C && ~rest == expected.RestCrc32C ? Convert.ToHexStringLower(sha256.GetHashAndReset()) : null;
    }
}
