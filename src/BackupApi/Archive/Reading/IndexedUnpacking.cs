using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Unpacks all or some of an archive that has an index, touching only the chunks it needs.</summary>
internal sealed class IndexedUnpacking(ArchiveFile file, int threads, ArchiveLimits limits, Progress progress)
{
    /// <param name="select">Asked from two threads, though never for one entry at once.</param>
    /// <param name="passOver">Go on after damage, and list the files it took, instead of failing.</param>
    /// <returns>Null when the index itself is damaged and damage was to be passed over: nothing was unpacked then.</returns>
    public async Task<UnpackResult?> UnpackAsync(string into, Func<ArchiveEntry, bool> select, bool passOver, CancellationToken ct)
    {
        CheckLimits();
        progress.Enter("unpack", file.Locator!.ContentBytes, file.Locator.Entries);
        return await UnpackSomeAsync(into, select, passOver, ct);
    }

    /// <summary>The same where little of a large archive is wanted: what the archive holds as a whole is of no account then; what is unpacked is bounded as ever.</summary>
    public async Task<UnpackResult?> UnpackSomeAsync(string into, Func<ArchiveEntry, bool> select, bool passOver, CancellationToken ct)
    {
        if (FindLinks(select, passOver) is not { } links)
        {
            return null;
        }

        await using var unpacker = new Unpacker(into, limits, progress, threads);
        await using var reader = new SegmentReader(file, Open(), threads, withSha256: false, entries => entries.Any(entry => links.Wants(entry.Entry)), static _ => false, ct);
        var damaged = new List<Finding>();
        while (await reader.NextAsync() is { } entries)
        {
            var written = new List<ArchiveEntry>();
            try
            {
                await SegmentEntries.VisitAsync(reader, entries, async (entry, read, token) =>
                {
                    if (links.Place(entry) is not { } placed)
                    {
                        return null;
                    }

                    if (placed.Kind == EntryKind.File)
                    {
                        written.Add(placed);
                    }

                    return await unpacker.AddAsync(placed, read, token);
                }, ct);
            }
            catch (BackupException e) when (passOver && e.Fault == Fault.ArchiveDamaged)
            {
                await TakeBackAsync(unpacker, written);
                damaged.AddRange(entries.Where(entry => entry.Entry.Kind == EntryKind.File && links.Wants(entry.Entry)).Select(entry => new Finding(PathText.Show(entry.Entry.Name), e.Message)));
            }
        }

        return await unpacker.FinishAsync(damaged);
    }

    /// <summary>Walks the whole index, so that it cannot fail later on.</summary>
    private LinkChoice? FindLinks(Func<ArchiveEntry, bool> select, bool passOver)
    {
        try
        {
            return LinkChoice.Of(Open(), select);
        }
        catch (BackupException e) when (passOver && e.Fault == Fault.ArchiveDamaged)
        {
            return null;
        }
    }

    private static async ValueTask TakeBackAsync(Unpacker unpacker, List<ArchiveEntry> written)
    {
        foreach (var entry in written)
        {
            await unpacker.RemoveAsync(entry);
        }
    }

    private void CheckLimits()
    {
        var locator = file.Locator!;
        if (locator.ContentBytes > limits.MaxBytes)
        {
            throw ArchiveFaults.TooLarge(limits.MaxBytes);
        }

        if (locator.Entries > limits.MaxEntries)
        {
            throw ArchiveFaults.TooMany(limits.MaxEntries);
        }
    }

    private IndexCursor Open() => IndexCursor.Open(file) ?? throw ArchiveFaults.Damaged("The directory of the index is damaged.", $"archive offset {file.Locator!.DirectoryOffset}");
}
