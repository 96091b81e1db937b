using System.Security.Cryptography;
using BackupApi.Archive.Encryption;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Reads a finished archive once more, as a whole: its bytes must be those that were written. Gives the SHA-256 of the file on the way.</summary>
internal static class ReadBack
{
    /// <param name="HeadCrc32C">Of the head.</param>
    /// <param name="RestCrc32C">Of all behind it.</param>
    internal readonly record struct Expected(int HeadLength, uint HeadCrc32C, uint RestCrc32C);

    /// <summary>SHA-256 in lower-case hexadecimal, of the file as it lies there; null when length or bytes differ, or an encrypted piece is not authentic.</summary>
    public static async Task<string?> FindSha256Async(string path, long length, Expected expected, ArchiveKeys keys, Progress progress, CancellationToken ct)
    {
        using var file = ArchiveBytes.Open(path, keys);
        await using var stored = file.OpenStored();
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        var content = new Sums(expected.HeadLength);
        long read = 0;
        for (int got; (got = await stored.ReadAsync(buffer, ct)) > 0; read += got)
        {
            sha256.AppendData(buffer, 0, got);
            if (file is PlainBytes)
            {
                content.Add(buffer.AsSpan(0, got));
            }

            progress.AddBytes(got);
        }

        while (file is not PlainBytes && file.ReadForChecksum(buffer, content.Length) is var got and > 0)
        {
            ct.ThrowIfCancellationRequested();
            content.Add(buffer.AsSpan(0, got));
        }

        return read == length && content.Crc32C == (expected.HeadCrc32C, expected.RestCrc32C) && file.Damaged.Count == 0 ? Convert.ToHexStringLower(sha256.GetHashAndReset()) : null;
    }

    /// <summary>CRC-32C of the head and of the rest.</summary>
    private sealed class Sums(int headLength)
    {
        private uint head = uint.MaxValue;
        private uint rest = uint.MaxValue;

        public long Length { get; private set; }

        public (uint Head, uint Behind) Crc32C => (~head, ~rest);

        public void Add(ReadOnlySpan<byte> bytes)
        {
            var inHead = (int)Math.Clamp(headLength - Length, 0, bytes.Length);
            head = Format.Crc32C.Append(head, bytes[..inHead]);
            rest = Format.Crc32C.Append(rest, bytes[inHead..]);
            Length += bytes.Length;
        }
    }
}
