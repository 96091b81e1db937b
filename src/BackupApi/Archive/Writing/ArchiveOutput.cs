using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>A file written from front to back behind a head that is filled in last; with a way back to an earlier length, and a running CRC-32C for the reading back.</summary>
internal sealed class ArchiveOutput(SafeFileHandle handle, string path, int headLength)
{
    private const int MovedAtOnce = 1 << 20;

    private readonly byte[] buffer = new byte[1 << 20];
    private int buffered;
    private uint crcState = uint.MaxValue;
    private uint partCrcState = uint.MaxValue;
    private bool isInPart;

    /// <summary>Bytes kept free at the front of the file.</summary>
    public int HeadLength { get; private set; } = headLength;

    /// <summary>Bytes appended so far, those in memory included; the head is not counted.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-32C of all that was appended.</summary>
    public uint Crc32C => ~crcState;

    /// <summary>CRC-32C of what was appended since <see cref="StartPart"/>.</summary>
    public uint PartCrc32C => ~partCrcState;

    public string Path => path;

    public void StartPart() => isInPart = true;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        crcState = Format.Crc32C.Append(crcState, bytes);
        partCrcState = isInPart ? Format.Crc32C.Append(partCrcState, bytes) : partCrcState;
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(bytes.Length, buffer.Length - buffered);
            bytes[..length].CopyTo(buffer.AsSpan(buffered));
            buffered += length;
            Length += length;
            bytes = bytes[length..];
            if (buffered == buffer.Length)
            {
                WriteOut();
            }
        }
    }

    public Mark MarkHere() => new(Length, crcState);

    /// <summary>Forgets what was appended since the mark.</summary>
    public void Return(Mark mark)
    {
        WriteOut();
        Length = mark.Length;
        crcState = mark.CrcState;
        RandomAccess.SetLength(handle, HeadLength + Length);
    }

    /// <summary>Makes the head longer by moving everything behind it, last bytes first.</summary>
    public void GrowHead(int length)
    {
        WriteOut();
        var moved = new byte[MovedAtOnce];
        for (var left = Length; left > 0;)
        {
            var count = (int)Math.Min(left, moved.Length);
            left -= count;
            var read = 0;
            while (read < count)
            {
                var got = RandomAccess.Read(handle, moved.AsSpan(read, count - read), HeadLength + left + read);
                read += got > 0 ? got : throw new IOException("The archive became shorter while it was written.");
            }

            RandomAccess.Write(handle, moved.AsSpan(0, count), length + left);
        }

        HeadLength = length;
    }

    /// <summary>Fills the head in.</summary>
    public void WriteHead(ReadOnlySpan<byte> head) => RandomAccess.Write(handle, head, 0);

    private void WriteOut()
    {
        RandomAccess.Write(handle, buffer.AsSpan(0, buffered), HeadLength + Length - buffered);
        buffered = 0;
    }

    public void Flush()
    {
        WriteOut();
        Posix.Flush(handle, path);
    }

    internal readonly record struct Mark(long Length, uint CrcState);
}
