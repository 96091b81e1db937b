using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>Writes the archive as it is. Does not own the file.</summary>
/// <param name="headLength">Room kept for the head.</param>
internal sealed class PlainSink(SafeFileHandle handle, int headLength) : IArchiveSink
{
    private const int MovedAtOnce = 1 << 20;

    /// <summary>Bytes after which the kernel is asked to begin with the writing, so that the flush at the end finds little left to do.</summary>
    private const int WrittenAtOnce = 8 << 20;

    private long end = headLength;
    private long handedOver;

    public long FileLength => end;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(handle, bytes, end);
        end += bytes.Length;
        if (end - handedOver >= WrittenAtOnce)
        {
            Posix.BeginWriting(handle, handedOver, end - handedOver);
            handedOver = end;
        }
    }

    public void CutTo(long bodyLength)
    {
        end = headLength + bodyLength;
        handedOver = Math.Min(handedOver, end);
        RandomAccess.SetLength(handle, end);
    }

    public void Finish(ReadOnlySpan<byte> head)
    {
        if (head.Length > headLength)
        {
            MoveBody(head.Length);
        }

        RandomAccess.Write(handle, head, 0);
    }

    public void Dispose()
    {
        // The file is the caller's.
    }

    /// <summary>Last bytes first.</summary>
    private void MoveBody(int to)
    {
        var moved = new byte[MovedAtOnce];
        for (var left = end - headLength; left > 0;)
        {
            var count = (int)Math.Min(left, moved.Length);
            left -= count;
            var read = 0;
            while (read < count)
            {
                var got = RandomAccess.Read(handle, moved.AsSpan(read, count - read), headLength + left + read);
                read += got > 0 ? got : throw new IOException("The archive became shorter while it was written.");
            }

            RandomAccess.Write(handle, moved.AsSpan(0, count), to + left);
        }

        end += to - headLength;
    }
}
