using System.Collections.Concurrent;
using BackupApi.Archive.Format;

namespace BackupApi.Archive.Writing;

/// <summary>Where the reader puts its steps; keeps the buffers, and knows whether a segment is open.</summary>
internal sealed class StepQueue(OrderedWork<WriteStep> work)
{
    private readonly ConcurrentBag<WriteStep> free = [];
    private bool isOpen;
    private long bytesRead;

    /// <summary>Content bytes read so far, also of tries that were given up.</summary>
    public long BytesRead => Interlocked.Read(ref bytesRead);

    public void CountRead(long bytes) => Interlocked.Add(ref bytesRead, bytes);

    /// <summary>A step for a chunk, with buffers.</summary>
    public WriteStep RentChunk()
    {
        work.Stopped.ThrowIfCancellationRequested();
        if (!free.TryTake(out var step))
        {
            step = new WriteStep { Kind = StepKind.Chunk };
        }

        step.Reference = null;
        step.IsCarriedOver = false;
        step.Records.Clear();
        return step;
    }

    public void Return(WriteStep step)
    {
        if (step.Kind == StepKind.Chunk)
        {
            free.Add(step);
        }
    }

    public ValueTask AddAsync(WriteStep step, bool isReady = false) => work.AddAsync(step, isReady);

    public async ValueTask BeginAsync(IReadOnlyList<IndexedEntry> entries)
    {
        isOpen = true;
        await work.AddAsync(new WriteStep { Kind = StepKind.Begin, Entries = entries }, isReady: true);
    }

    public async ValueTask EndAsync(IReadOnlyList<Sha256Value> hashes)
    {
        isOpen = false;
        await work.AddAsync(new WriteStep { Kind = StepKind.End, Hashes = hashes }, isReady: true);
    }

    /// <summary>Takes the open segment back; does nothing when none is open.</summary>
    public async ValueTask AbortAsync()
    {
        if (isOpen)
        {
            isOpen = false;
            await work.AddAsync(new WriteStep { Kind = StepKind.Abort }, isReady: true);
        }
    }
}
