using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>Reads an archive back while it is still being written, a little behind: from the moment its head is known, because the SHA-256 of the file begins with that.</summary>
/// <remarks>
/// For archives that are not encrypted. It writes the head, and leaves that to the end where the head is known too late or does not fit into its room. Then, and where the body was cut back behind bytes that were read,
/// or a reading fails, the archive is read back as a whole when it is finished.
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
    private volatile bool isSpoilt;
    private bool isHeadTooLate;
    private bool isFinished;
    private Progress? shown;

    /// <param name="handle">Of the archive being written, not owned: the head goes in by it.</param>
    /// <param name="head">The head as it will be.</param>
    public TrailingReadBack(SafeFileHandle handle, string path, int headLength, Task<byte[]> head)
    {
        (this.handle, this.path, this.headLength) = (handle, path, headLength);
        written = headLength;
        reading = ReadAsync(head);
    }

    /// <summary>Bytes that were read so far, or are being read.</summary>
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

    /// <summary>Whether the head has been written here. If not, it never will be.</summary>
    public bool HoldsHead()
    {
        lock (gate)
        {
            isHeadTooLate = true;
            return sums is not null;
        }
    }

    /// <summary>The archive is complete, all of it given to the system. Null when it has to be read as a whole.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled meanwhile.</exception>
    public async Task<ReadBackSums?> FinishAsync(Progress progress, CancellationToken ct)
    {
        if (!HoldsHead())
        {
            return null;
        }

        lock (gate)
        {
            isFinished = true;
            progress.AddBytes(position);
            shown = progress;
        }

        news.Release();
        await using (ct.Register(stop.Cancel))
        {
            await reading;
        }

        ct.ThrowIfCancellationRequested();
        if (isSpoilt)
        {
            progress.AddBytes(-position);
        }

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
            if (bytes.Length == headLength)
            {
                await ArchiveThread.Start(() => Read(bytes));
            }
        }
        catch (Exception)
        {
            // Whoever asked for the head is told why it did not come; what cannot be written or read is told by the writing at the end and the reading of the whole file.
            isSpoilt = true;
        }
    }

    private void Read(byte[] head)
    {
        lock (gate)
        {
            if (isHeadTooLate)
            {
                return;
            }

            RandomAccess.Write(handle, head, 0);
            sums = new ReadBackSums(headLength);
        }

        using var file = Posix.OpenRead(path);
        var buffer = new byte[ReadAtOnce];
        while (TryReadWhatIsThere(file, buffer))
        {
            news.Wait(stop.Token);
        }
    }

    /// <summary>False when nothing follows.</summary>
    private bool TryReadWhatIsThere(SafeFileHandle file, byte[] buffer)
    {
        while (true)
        {
            stop.Token.ThrowIfCancellationRequested();
            long from;
            int length;
            lock (gate)
            {
                from = position;
                length = (int)Math.Min(written - position, buffer.Length);
                if (isSpoilt || length == 0)
                {
                    return !isSpoilt && !isFinished;
                }

                // Taken before it is read, so that whoever cuts it back meanwhile finds it taken.
                position += length;
                shown?.AddBytes(length);
            }

            if (QuietCopy.ReadFully(file, buffer.AsSpan(0, length), from) < length)
            {
                isSpoilt = true;
                return false;
            }

            sums!.AddStored(buffer.AsSpan(0, length));
            sums.AddContent(buffer.AsSpan(0, length));
        }
    }
}
