using System.Collections.Concurrent;
using BackupApi.Archive.Format;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Gives the segments of an archive one after the other, their chunks inflated ahead by several threads.</summary>
/// <remarks>Call <see cref="NextAsync"/>, read <see cref="Content"/>, call <see cref="EndAsync"/>; and so on. Damage of a chunk is a fault of the reading at its place; the next segment can be read all the same.</remarks>
internal sealed class SegmentReader : IAsyncDisposable
{
    private readonly ArchiveFile file;
    private readonly IndexCursor cursor;
    private readonly Func<IReadOnlyList<IndexedEntry>, bool> wants;
    private readonly OrderedWork<ReadStep> work;
    private readonly ConcurrentBag<ReadStep> free = [];
    private readonly Task producing;
    private ReadStep? current;
    private int at;
    private bool isAtEnd = true;
    private IReadOnlyList<Sha256Value> hashes = [];

    /// <param name="wants">Asked for each segment in order: whether it is to be read. Called on another thread.</param>
    /// <param name="isEnough">Asked likewise before: whether this segment and all behind it can be left out.</param>
    public SegmentReader(ArchiveFile file, IndexCursor cursor, int threads, bool withSha256, Func<IReadOnlyList<IndexedEntry>, bool> wants, Func<IReadOnlyList<IndexedEntry>, bool> isEnough, CancellationToken ct)
    {
        this.file = file;
        this.cursor = cursor;
        this.wants = wants;
        Content = new SegmentContent(this);
        work = new OrderedWork<ReadStep>(threads, (2 * threads) + 6, step => step.Inflate(file, withSha256), ct);
        producing = Task.Run(() => ProduceAsync(isEnough), CancellationToken.None);
    }

    /// <summary>Told of every chunk in order, damaged or not; on the thread that reads.</summary>
    public Action<ChunkRecord>? OnChunk { get; init; }

    /// <summary>The tar bytes of the current segment; ends with it. Disposing it does nothing.</summary>
    public Stream Content { get; }

    /// <summary>The entries of the next segment; null after the last.</summary>
    /// <exception cref="BackupException">The index is damaged.</exception>
    public async ValueTask<IReadOnlyList<IndexedEntry>?> NextAsync()
    {
        _ = await HashesAsync();
        var step = await work.NextAsync();
        isAtEnd = step is null;
        current = null;
        return step?.Entries;
    }

    /// <summary>Passes over what is left of the segment, whole or not; the hashes of its files.</summary>
    public async ValueTask<IReadOnlyList<Sha256Value>> HashesAsync()
    {
        while (!isAtEnd)
        {
            await MoveAsync(throwDamage: false);
        }

        return hashes;
    }

    /// <summary>The hashes of the segment's files. Its content must have been read up to the padding of its last file.</summary>
    /// <exception cref="BackupException">There is more in it than its entries, or what is left of it is damaged.</exception>
    public async ValueTask<IReadOnlyList<Sha256Value>> EndAsync()
    {
        var left = 0L;
        var isZero = true;
        while (!isAtEnd)
        {
            if (current is not null)
            {
                var rest = current.Content.AsSpan(at, current.Chunk.Length - at);
                left += rest.Length;
                isZero &= !rest.ContainsAnyExcept((byte)0);
            }

            await MoveAsync(throwDamage: true);
        }

        return left < Tar.TarFormat.BlockLength && isZero ? hashes : throw ArchiveFaults.Damaged("The tar holds more than the index says.", "behind the entries of a segment");
    }

    public async ValueTask DisposeAsync()
    {
        await work.StopAsync();
        await producing;
        await work.DisposeAsync();
    }

    /// <summary>To the next chunk, or to the end of the segment.</summary>
    private async ValueTask MoveAsync(bool throwDamage)
    {
        if (current is not null)
        {
            free.Add(current);
            current = null;
        }

        var step = await work.NextAsync() ?? throw new InvalidOperationException("A segment was never ended.");
        if (step.Hashes is { } end)
        {
            (hashes, isAtEnd) = (end, true);
            return;
        }

        OnChunk?.Invoke(step.Chunk);
        if (step.Damage is { } damage && throwDamage)
        {
            throw ArchiveFaults.Damaged($"{damage}.", step.Place(file));
        }

        (current, at) = (step, 0);
    }

    private async Task ProduceAsync(Func<IReadOnlyList<IndexedEntry>, bool> isEnough)
    {
        try
        {
            while (cursor.NextSegment() is { } entries && !isEnough(entries))
            {
                var isWanted = wants(entries);
                if (isWanted)
                {
                    await work.AddAsync(new ReadStep { Entries = entries }, isReady: true);
                }

                while (cursor.NextChunk() is { } chunk)
                {
                    if (isWanted)
                    {
                        var step = free.TryTake(out var used) ? used : new ReadStep();
                        step.Chunk = chunk;
                        await work.AddAsync(step);
                    }
                }

                var ends = cursor.EndSegment();
                if (isWanted)
                {
                    await work.AddAsync(new ReadStep { Hashes = ends }, isReady: true);
                }
            }

            work.Complete();
        }
        catch (Exception e)
        {
            work.Complete(e);
        }
    }

    private sealed class SegmentContent(SegmentReader reader) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!reader.isAtEnd && (reader.current is null || reader.at == reader.current.Chunk.Length))
            {
                await reader.MoveAsync(throwDamage: true);
            }

            if (reader.isAtEnd)
            {
                return 0;
            }

            var length = Math.Min(buffer.Length, reader.current!.Chunk.Length - reader.at);
            reader.current.Content.AsSpan(reader.at, length).CopyTo(buffer.Span);
            reader.at += length;
            return length;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
