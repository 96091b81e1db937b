using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>Unpacks an archive that is read from front to back, because it has no index or none that can be used.</summary>
internal static class StreamUnpacking
{
    /// <summary>Unpacks what <paramref name="select"/> picks; our own entries (<c>.backup/</c>) never.</summary>
    public static async Task<UnpackResult> UnpackAsync(IEntryStream archive, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        await using var unpacker = new Unpacker(into, limits, progress);
        while (await archive.NextAsync(ct) is { } entry)
        {
            if (!EntryName.IsOwn(entry.Name) && select(entry))
            {
                await unpacker.AddAsync(entry, archive.ReadAsync, ct);
            }
        }

        return await unpacker.FinishAsync();
    }

    /// <summary>The same for a stream that is damaged: gives what comes before the damage, and says that nothing vouches for it.</summary>
    public static async Task<UnpackResult> SalvageAsync(IEntryStream archive, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        await using var unpacker = new Unpacker(into, limits, progress);
        ArchiveEntry? current = null;
        try
        {
            while (await archive.NextAsync(ct) is { } entry)
            {
                if (!EntryName.IsOwn(entry.Name) && select(entry))
                {
                    current = entry;
                    await unpacker.AddAsync(entry, archive.ReadAsync, ct);
                    current = null;
                }
            }
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged)
        {
            if (current is { Kind: EntryKind.File } && Posix.FindStat($"{into}/{current.Name}") is not null)
            {
                Posix.Unlink($"{into}/{current.Name}");
            }

            var where = current is null ? UnpackResult.Rest : PathText.Show(current.Name);
            return await unpacker.FinishAsync([new Finding(where, $"{e.Message} Nothing behind this place could be read, and what lies before it was compared with no checksum.")]);
        }

        return await unpacker.FinishAsync();
    }
}
