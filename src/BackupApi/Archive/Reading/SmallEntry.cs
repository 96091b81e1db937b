namespace BackupApi.Archive.Reading;

/// <summary>Reads one of our own small entries into memory.</summary>
internal static class SmallEntry
{
    /// <summary>At most <see cref="ArchiveJson.MaxBytes"/>; what is longer is cut, and then is no JSON.</summary>
    public static async Task<byte[]> ReadAsync(IEntryStream entries, long size, CancellationToken ct)
    {
        var bytes = new byte[Math.Min(size, ArchiveJson.MaxBytes)];
        var total = 0;
        int length;
        while (total < bytes.Length && (length = await entries.ReadAsync(bytes.AsMemory(total), ct)) > 0)
        {
            total += length;
        }

        return bytes[..total];
    }
}
