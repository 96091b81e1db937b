using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>Reads an archive back while it is still being written, a little behind: from the moment its head is known, because the SHA-256 of the file begins with that.</summary>
/// <remarks>
/// For archives that are not encrypted. It gives up, and the archive is read back as a whole when it is finished, where the head is known too late or does not fit into its room, where the body was cut back
/// behind bytes that were read, and where a reading fails.
/// </remarks>
internal sealed class TrailingReadBack : IAsyncDisposable
{
    private const int ReadAtOnce = 1 << 20;

    private readonly SafeFileHandle handle;
    private readonly string path;
    private readonly int headLength;
    private readonly Lock gate = new();
    private readonly SemaphoreSlim news = new(0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task reading;
    private ReadBackSums? sums;
    private long written;
    private long position;
    private bool isSpoilt;
    private bool isFinished;

    /// <param name="handle">Of the archive being written, not owned: the head goes in by it.</param>
    /// <param name="head">The head as it will be.</param>
    public TrailingReadBack(SafeFileHandle handle, string path, int headLength, Task<byte[]> head)
    {
        (this.handle, this.path, this.headLength) = (handle, path, headLength);
        written = headLength;
        reading = ReadAsync(head);
    }

    /// <summary>Bytes that were read so far.</summary>
    public long Position
    {
        get
        {
            lock (gate)
            {
                return position;
            }
        }
    }

    /// <summary>So many bytes of the body have been given to the system.</summary>
    public void Written(long bodyLength)
    {
        lock (gate)
        {
            written = headLength + bodyLength;
        }

        news.Release();
    }

    /// <summary>The body ends there again.</summary>
    public void Cut(long bodyLength)
    {
        lock (gate)
        {
            written = headLength + bodyLength;
            isSpoilt |= position > written;
        }
    }

    /// <summary>The archive is complete, all of it given to the system. Null when it has to be read as a whole.</summary>
    public async Task<ReadBackSums?> FinishAsync()
    {
        lock (gate)
        {
            isFinished = true;
            isSpoilt |= sums is null;
        }

        news.Release();
        await reading;
        return isSpoilt ? null : sums;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading;
        stop.Dispose();
        news.Dispose();
        sums?.Dispose();
    }

    private async Task ReadAsync(Task<byte[]> head)
    {
        try
        {
            var bytes = await head.WaitAsync(stop.Token);
            await ArchiveThread.Start(() => Read(bytes));
        }
        catch (Exception)
        {
            // Whoever asked for the head is told why it did not come.
            isSpoilt = true;
        }
    }

    private void Read(byte[] head)
    {
        try
        {
            lock (gate)
            {
                if (isFinished || head.Length != headLength)
                {
                    return;
                }

                sums = new ReadBackSums(headLength);
            }

            RandomAccess.Write(handle, head, 0);
            using var file = Posix.OpenRead(path);
            var buffer = new byte[ReadAtOnce];
            while (TryReadWhatIsThere(file, buffer))
            {
                news.Wait(stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // What cannot be read is told by the reading of the whole file.
            isSpoilt = true;
        }
    }

    /// <summary>False when nothing follows.</summary>
    private bool TryReadWhatIsThere(SafeFileHandle file, byte[] buffer)
    {
        while (true)
        {
            stop.Token.ThrowIfCancellationRequested();
            int length;
            lock (gate)
            {
                length = (int)Math.Min(written - position, buffer.Length);
                if (isSpoilt || length == 0)
                {
                    return !isSpoilt && !isFinished;
                }

                length = RandomAccess.Read(file, buffer.AsSpan(0, length), position);
                isSpoilt |= length == 0;
                position += length;
            }

            sums!.AddStored(buffer.AsSpan(0, length));
            sums.AddContent(buffer.AsSpan(0, length));
        }
    }
}
