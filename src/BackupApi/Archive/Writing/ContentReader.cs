using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Goes over the segments in order and gives the steps that make them: carried over unread where nothing changed, else read, here or already by <see cref="ReadAhead"/>.</summary>
internal sealed class ContentReader(ArchiveRequest request, ArchiveWriterSettings settings, ReferenceArchive? reference, Observations seen, StepQueue queue, Progress progress)
{
    private readonly FingerprintTrust trust = new(settings.Clock);
    private readonly Pace pace = new(settings.BytesPerSecond, settings.Clock);
    private readonly HashSet<string> lost = new(StringComparer.Ordinal);
    private readonly RunReader runs = new(settings);

    public async Task ReadAllAsync(IReadOnlyList<CapturedFile> ordered, CancellationToken ct)
    {
        await using var ahead = new ReadAhead(request, settings, reference, queue, ordered, ct);
        while (await ahead.NextAsync() is { } next)
        {
            var (segment, known) = (next.Segment, next.Known);
            if (!next.MayCarryOver || !await CarryOverAsync(segment, known!))
            {
                if (segment.Files[0].FromReference)
                {
                    throw new BackupException(Fault.ArchiveDamaged, $"The unchanged '{EntryName.Short(segment.Files[0].Name)}' could not be carried over from the previous archive.", "It is captured anew; verify the previous archive.");
                }

                if (!await TakeRunAsync(next, ct))
                {
                    await ReadAsync(segment, known, ct);
                }
            }

            progress.AddFiles(segment.Files.Count);
            next.Written.SetResult();
        }
    }

    /// <summary>Takes over what was read ahead; false when it has to be read here.</summary>
    private async Task<bool> TakeRunAsync(SegmentAhead ahead, CancellationToken ct)
    {
        if (ahead.Read is not var (run, step))
        {
            return false;
        }

        if (lost.Count > 0 && ahead.Segment.Files.Any(file => file.HardLinkTo is { } target && lost.Contains(target)))
        {
            queue.Return(step);
            return false;
        }

        var bytes = run.Entries.Sum(static entry => entry.Entry.Size);
        await pace.SpendAsync(bytes, ct);
        progress.AddBytes(bytes);
        queue.CountRead(bytes);
        await AddRunAsync(run, step, ahead.Known);
        return true;
    }

    /// <summary>False, with everything taken back, when a chunk turned out to have rotted.</summary>
    private async Task<bool> CarryOverAsync(Segment segment, ReferenceSegment known)
    {
        if (known.Chunks.Count == ReferenceArchive.MaxChunks)
        {
            return false;
        }

        await queue.BeginAsync(known.Entries);
        for (var next = 0; next < known.Chunks.Count;)
        {
            var step = queue.RentChunk();
            step.IsCarriedOver = true;
            if (!reference!.TryReadRow(known, next, step))
            {
                queue.Return(step);
                await queue.AbortAsync();
                return false;
            }

            next += step.Records.Count;
            progress.AddBytes(step.Records.Sum(static chunk => chunk.Length));
            await queue.AddAsync(step, isReady: true);
        }

        await queue.EndAsync(known.Hashes);
        return true;
    }

    private async Task ReadAsync(Segment segment, ReferenceSegment? known, CancellationToken ct)
    {
        if (segment.IsSingle)
        {
            await ReadSingleAsync(segment.Files[0], known, ct);
            return;
        }

        var step = queue.RentChunk();
        runs.Start(step);
        foreach (var file in segment.Files)
        {
            if (file.HardLinkTo is { } target && lost.Contains(target))
            {
                seen.LostLink(file.Name, target);
                continue;
            }

            if (!Segments.HasContent(file))
            {
                if (!runs.TryAdd(Unchanged.EntryOf(file)))
                {
                    step = await FlushRunAsync(step, known);
                    runs.TryAdd(Unchanged.EntryOf(file));
                }

                continue;
            }

            if (await AddSmallAsync(file, ct))
            {
                continue;
            }

            // It does not fit: the run ends before it, or it has outgrown what a run may hold.
            step = await FlushRunAsync(step, known);
            if (!await AddSmallAsync(file, ct))
            {
                await ReadSingleAsync(file, null, ct);
            }
        }

        await FlushRunAsync(step, known, isLast: true);
    }

    /// <summary>False when the file is too large for what is left of the run.</summary>
    private async Task<bool> AddSmallAsync(CapturedFile file, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                using var source = SourceFile.Open(file);
                var result = runs.TryRead(source, out var fits);
                await pace.SpendAsync(source.Before.Size, ct);
                if (!fits)
                {
                    return false;
                }

                if (!result && tries < settings.Tries)
                {
                    continue;
                }

                if (!result)
                {
                    seen.Changed(file.Name, tries);
                }

                runs.Accept(source, result ? source.FindFingerprint(trust) : null);
                progress.AddBytes(source.Before.Size);
                queue.CountRead(source.Before.Size);
                return true;
            }
            catch (IOException e)
            {
                Lose(file, e);
                return true;
            }
        }
    }

    private async Task<WriteStep> FlushRunAsync(WriteStep step, ReferenceSegment? known, bool isLast = false)
    {
        if (runs.Entries.Count > 0)
        {
            await AddRunAsync(runs, step, known);
            step = isLast ? step : queue.RentChunk();
        }
        else if (isLast)
        {
            queue.Return(step);
        }

        if (!isLast)
        {
            runs.Start(step);
        }

        return step;
    }

    private async Task AddRunAsync(RunReader run, WriteStep step, ReferenceSegment? known)
    {
        await queue.BeginAsync(run.Entries);
        step.ContentLength = run.Length;
        step.Reference = known;
        step.Place = 0;
        step.EntryName = run.Entries[0].Entry.Name;
        await queue.AddAsync(step);
        await queue.EndAsync(run.Hashes);
    }

    private async Task ReadSingleAsync(CapturedFile file, ReferenceSegment? known, CancellationToken ct)
    {
        var single = new SingleReader(settings, queue, pace, progress);
        for (var tries = 1; ; tries++)
        {
            try
            {
                using var source = SourceFile.Open(file);
                if (await single.ReadAsync(source, source.FindFingerprint(trust), known, isLastTry: tries >= settings.Tries, ct) is not { } isStable)
                {
                    continue;
                }

                if (!isStable)
                {
                    seen.Changed(file.Name, tries);
                }

                return;
            }
            catch (IOException e)
            {
                await queue.AbortAsync();
                Lose(file, e);
                return;
            }
        }
    }

    private void Lose(CapturedFile file, IOException failure)
    {
        lost.Add(file.Name);
        if (failure is PosixException { Errno: Errno.ENOENT or Errno.ELOOP or Errno.ENOTDIR })
        {
            seen.Vanished(file.Name);
        }
        else
        {
            seen.Unreadable(file.Name, failure);
        }
    }
}
