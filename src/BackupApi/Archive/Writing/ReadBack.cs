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
        using var sums = new ReadBackSums(expected.HeadLength);
        var buffer = new byte[1 << 20];
        for (int got; (got = await stored.ReadAsync(buffer, ct)) > 0;)
        {
            sums.AddStored(buffer.AsSpan(0, got));
            if (file is PlainBytes)
            {
                sums.AddContent(buffer.AsSpan(0, got));
            }

            progress.AddBytes(got);
        }

        while (file is not PlainBytes && file.ReadForChecksum(buffer, sums.ContentLength) is var got and > 0)
        {
            ct.ThrowIfCancellationRequested();
            sums.AddContent(buffer.AsSpan(0, got));
        }

        return file.Damaged.Count == 0 ? sums.FindSha256(length, expected) : null;
    }
}
