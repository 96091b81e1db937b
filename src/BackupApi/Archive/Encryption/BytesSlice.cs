namespace BackupApi.Archive.Encryption;

/// <summary>A part of an archive as a stream.</summary>
/// <param name="owned">Disposed with the stream; null when the bytes are somebody else's.</param>
internal sealed class BytesSlice(IArchiveBytes bytes, long start, long length, IArchiveBytes? owned = null) : Stream
{
    private long done;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get => done; set => done = Math.Clamp(value, 0, length); }

    public override int Read(Span<byte> buffer)
    {
        var read = bytes.Read(buffer[..(int)Math.Min(buffer.Length, length - done)], start + done);
        done += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) =>
        Position = offset + (origin == SeekOrigin.Begin ? 0 : origin == SeekOrigin.Current ? done : length);

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            owned?.Dispose();
        }

        base.Dispose(disposing);
    }
}
