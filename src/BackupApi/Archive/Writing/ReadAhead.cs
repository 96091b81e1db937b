using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>A segment on its way into the archive.</summary>
/// <param name="Known">What the reference archive holds under that name.</param>
/// <param name="MayCarryOver">The reference archive holds exactly this, under fingerprints that may be trusted.</param>
internal sealed record SegmentAhead(Segment Segment, ReferenceSegment? Known, bool MayCarryOver)
{
    /// <summary>Of a run that has to be read: its tar, when nothing unusual happened on the way. Its buffer is the step's.</summary>
    public (RunReader Run, WriteStep Step)? Read { get; set; }

    /// <summary>Set when the segment has been written.</summary>
    public TaskCompletionSource Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Goes ahead of the <see cref="ContentReader"/> over the segments, in their order: compares them with the reference archive, and reads runs of small files with several threads at once.</summary>
/// <remarks>
/// Opening a file costs more than reading a small one, so one thread would keep the others waiting. Whatever is unusual (a file that changes, has gone, cannot be read or has grown) is left to the
/// <see cref="ContentReader"/>, which reads such a run anew, one file after the other.
/// </remarks>
internal sealed class ReadAhead : IAsyncDisposable
{
    private readonly ArchiveRequest request;
    private readonly ArchiveWriterSettings settings;
    private readonly ReferenceArchive? reference;
    private readonly StepQueue queue;
    private readonly FingerprintTrust trust;
    private readonly OrderedWork<SegmentAhead> work;
    private readonly Task comparing;

    public ReadAhead(ArchiveRequest request, ArchiveWriterSettings settings, ReferenceArchive? reference, StepQueue queue, IReadOnlyList<CapturedFile> ordered, CancellationToken ct)
    {
        (this.request, this.settings, this.reference, this.queue) = (request, settings, reference, queue);
        trust = new FingerprintTrust(settings.Clock);
        var threads = Math.Min(settings.Threads, 8);
        work = new OrderedWork<SegmentAhead>(threads, window: threads + 2, ReadRun, ct);
        comparing = Task.Run(() => CompareAsync(ordered), CancellationToken.None);
    }

    /// <summary>The next segment; null after the last.</summary>
    public ValueTask<SegmentAhead?> NextAsync() => work.NextAsync();

    public async ValueTask DisposeAsync()
    {
        await work.StopAsync();
        await comparing;
        await work.DisposeAsync();
    }

    private async Task CompareAsync(IReadOnlyList<CapturedFile> ordered)
    {
        try
        {
            foreach (var segment in Segments.Cut(ordered))
            {
                var known = reference?.Find(segment.Files[0].Name);
                var ahead = new SegmentAhead(segment, known, known is not null && IsUnchanged(segment, known));
                await work.AddAsync(ahead, isReady: ahead.MayCarryOver || segment.IsSingle);
                if (segment.IsSingle)
                {
                    // A large file has many chunks: those of one in memory at a time.
                    await ahead.Written.Task.WaitAsync(work.Stopped);
                }
            }

            work.Complete();
        }
        catch (Exception e)
        {
            work.Complete(e);
        }
    }

    /// <summary>Whether the reference holds exactly this segment, each file under a fingerprint that may be trusted.</summary>
    private bool IsUnchanged(Segment segment, ReferenceSegment known)
    {
        if (segment.Files.Count != known.Entries.Count)
        {
            return false;
        }

        for (var i = 0; i < segment.Files.Count; i++)
        {
            var file = segment.Files[i];
            if (!Unchanged.IsStillThere(file, known.Entries[i]) || (Segments.HasContent(file) && !file.FromReference && !request.TrustFingerprints))
            {
                return false;
            }
        }

        return true;
    }

    private void ReadRun(SegmentAhead ahead)
    {
        var step = queue.RentChunk();
        var run = new RunReader(settings);
        run.Start(step);
        if (ahead.Segment.Files.All(file => TryAdd(run, file)))
        {
            ahead.Read = (run, step);
        }
        else
        {
            queue.Return(step);
        }
    }

    private bool TryAdd(RunReader run, CapturedFile file)
    {
        if (!Segments.HasContent(file))
        {
            return run.TryAdd(Unchanged.EntryOf(file));
        }

        try
        {
            using var source = SourceFile.Open(file);
            if (!run.TryRead(source, out _))
            {
                return false;
            }

            run.Accept(source, source.FindFingerprint(trust));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
