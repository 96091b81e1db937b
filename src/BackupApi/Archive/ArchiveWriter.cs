using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive;

/// <summary>Writes one archive as docs/ARCHIVE_FORMAT.md describes it: one reader, several workers that compress, one that appends in order.</summary>
/// <remarks>The bytes depend on the content, the level and the reference archive, never on the number of threads or their luck.</remarks>
internal sealed class ArchiveWriter(ArchiveWriterSettings settings)
{
    private const int MaxTries = 3;

    /// <summary>Writes a finished archive, read back and flushed to the disk, at <paramref name="partialPath"/>, which must not exist; the caller publishes it by rename, or removes it.</summary>
    /// <remarks>
    /// Every chunk that was compressed anew is inflated again and compared before it is written; the file is read again as a whole, already while it is written where that can be. One that reads back differently is written over the same content up to three times.
    /// A cancelled or failed writing leaves the partial file behind.
    /// </remarks>
    /// <exception cref="BackupException"><see cref="Fault.VerificationFailed"/>: what was read back differed, three times over. <see cref="Fault.ArchiveDamaged"/>: a file to be taken from the reference archive could not be. Or the disk's own fault.</exception>
    public async Task<ArchiveFacts> WriteAsync(string partialPath, ArchiveRequest request, Progress progress, CancellationToken ct)
    {
        var ordered = EntryPlan.Order(request.Files);
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task<Manifest>? manifest = null;
        var askedOnce = request with { Manifest = _ => manifest ??= Task.Run(() => request.Manifest(asking.Token), CancellationToken.None) };
        try
        {
            return await WriteAsync(partialPath, askedOnce, ordered, progress, ct);
        }
        finally
        {
            // Nobody is left behind who takes a number for an archive that does not come to be.
            await asking.CancelAsync();
            await (manifest ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ArchiveFacts> WriteAsync(string partialPath, ArchiveRequest request, EntryPlan ordered, Progress progress, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                progress.Enter("write", ordered.Sum(static file => Segments.HasContent(file) ? file.Stat.Size : 0), ordered.Count);
                if (await WriteOnceAsync(partialPath, request, ordered, progress, ct) is { } facts)
                {
                    return facts;
                }
            }
            catch (IOException e)
            {
                throw Errno.ToFault(e);
            }

            if (tries == MaxTries)
            {
                throw new BackupException(Fault.VerificationFailed, $"The archive did not read back as it was written, {MaxTries} times.", "Check the disk that holds the backups, and the memory of this machine.");
            }

            Posix.Unlink(partialPath);
        }
    }

    /// <returns>Null when it read back differently.</returns>
    private async Task<ArchiveFacts?> WriteOnceAsync(string partialPath, ArchiveRequest request, EntryPlan ordered, Progress progress, CancellationToken ct)
    {
        var seen = new Observations(request.OnReferenceRot);
        var room = (int)TarFormat.Padded(Math.Clamp(request.ManifestRoomBytes, TarFormat.BlockLength, ArchiveJson.MaxBytes / 2));
        using var handle = Posix.CreateNew(partialPath);
        using var sink = OpenSink(handle, ManifestHead.Length(room));
        var output = new ArchiveOutput(sink, partialPath, ManifestHead.Length(room));
        using var content = new ContentAssembly(output, settings.Level);
        var asked = request.Manifest(ct);
        await using var trail = settings.Keys.Encrypt ? null : output.Trail = new TrailingReadBack(handle, partialPath, output.HeadLength, MakeHeadAsync(asked, room));
        var bytesRead = await WriteContentAsync(request, ordered, seen, content, progress, ct);

        var totals = content.Totals;
        var observations = seen.ToRecord(totals.Entries, totals.ContentBytes);
        var manifest = await asked;
        var report = await request.Report(observations, ct);
        var headCrc32C = new ArchiveEnd(output, settings.Level).Write(manifest, report, content, room);
        var facts = new ArchiveFacts(output.FileLength, "", manifest, report, observations, bytesRead, totals.BytesCompressed, totals.BytesCarriedOver);
        var expected = new ReadBack.Expected(output.HeadLength, headCrc32C, output.Crc32C);
        progress.Enter("read back", facts.SizeBytes);

        // The disk and the processor are busy at once. By the handle that wrote: only there every failed write is told (fsync(2)).
        var flushing = Task.Run(() => Posix.Flush(handle, partialPath), CancellationToken.None);
        try
        {
            var sha256 = trail is not null && await trail.FinishAsync(progress, ct) is { } sums
                ? sums.FindSha256(facts.SizeBytes, expected)
                : await ReadBack.FindSha256Async(partialPath, facts.SizeBytes, expected, settings.Keys, progress, ct);
            return sha256 is null ? null : facts with { Sha256 = sha256 };
        }
        finally
        {
            await flushing;
        }
    }

    private static async Task<byte[]> MakeHeadAsync(Task<Manifest> asked, int room)
    {
        var manifest = await asked;
        var json = ArchiveJson.Write(manifest);
        return json.Length <= room ? ManifestHead.Make(json, room, manifest.CreatedAt).Bytes : [];
    }

    private IArchiveSink OpenSink(SafeFileHandle handle, int headLength) =>
        settings.Keys.Encrypt ? new EncryptingSink(handle, headLength, settings.Keys) : new PlainSink(handle, headLength);

    /// <summary>Gives the number of content bytes that were read.</summary>
    private async Task<long> WriteContentAsync(ArchiveRequest request, EntryPlan ordered, Observations seen, ContentAssembly content, Progress progress, CancellationToken ct)
    {
        using var reference = ReferenceArchive.Open(request.ReferencePath, settings.Keys, seen);
        using var chunkWork = new ChunkWork(reference, settings.Level);
        await using var work = new OrderedWork<WriteStep>(settings.Threads, window: settings.Threads + Math.Min(settings.Threads, 16) + 6, chunkWork.Do, ct);
        var queue = new StepQueue(work);
        var reading = Task.Run(() => ReadAsync(), CancellationToken.None);
        try
        {
            while (await work.NextAsync() is { } step)
            {
                content.Take(step);
                queue.Return(step);
            }
        }
        finally
        {
            // The reader must not touch the reference archive any more when it is closed.
            await work.StopAsync();
            await reading;
        }

        return queue.BytesRead;

        async Task ReadAsync()
        {
            try
            {
                await new ContentReader(request, settings, reference, seen, queue, progress).ReadAllAsync(ordered, work.Stopped);
                work.Complete();
            }
            catch (Exception e)
            {
                work.Complete(e);
            }
        }
    }
}
