using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>Writes the archive as it is. Does not own the file.</summary>
/// <param name="headLength">Room kept for the head.</param>
internal sealed class PlainSink(SafeFileHandle handle, string path, int headLength) : IArchiveSink
{
    private const int MovedAtOnce = 1 << 20;

    private long end = headLength;

    public long FileLength => end;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(handle, bytes, end);
        end += bytes.Length;
    }

    public void CutTo(long bodyLength)
    {
        end = headLength + bodyLength;
        RandomAccess.SetLength(handle, end);
    }

    public void Finish(ReadOnlySpan<byte> head)
    {
        if (head.Length > headLength)
        {
            MoveBody(head.Length);
        }

        RandomAccess.Write(handle, head, 0);
        Posix.Flush(handle, path);
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
