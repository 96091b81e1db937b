namespace BackupApi.Http.Access;

/// <summary>The body of a long answer, cut when its reader takes nothing for a while: what he holds is wanted by others.</summary>
/// <remarks>
/// The server's own lowest rate does not do that: every byte that it hands to the kernel counts in the client's favour, and at that rate the buffers of one connection are worth hours.
/// A write here ends when all but the last 64 KiB of the answer are with the kernel, so one that does not end means that nothing is taken.
/// </remarks>
internal sealed class PatientBody(Stream inner, TimeSpan patience, Action cut) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => WaitAsync(inner.WriteAsync(buffer, cancellationToken));

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => WaitAsync(new ValueTask(inner.FlushAsync(cancellationToken))).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
        // What was written is on its way.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async ValueTask WaitAsync(ValueTask writing)
    {
        if (writing.IsCompletedSuccessfully)
        {
            await writing;
            return;
        }

        try
        {
            await writing.AsTask().WaitAsync(patience);
        }
        catch (TimeoutException e)
        {
            cut();
            throw new OperationCanceledException("The client took nothing of the answer for too long.", e);
        }
    }
}
