namespace BackupApi.Archive.Writing;

/// <summary>A file written from front to back behind a head that is filled in when it is known; with a way back to an earlier length, and a running CRC-32C for the reading back.</summary>
internal sealed class ArchiveOutput(IArchiveSink sink, string path, int headLength)
{
    /// <summary>From this length on a call to the system costs less than copying.</summary>
    private const int WorthNoCopy = 128 * 1024;

    private readonly byte[] buffer = new byte[1 << 20];
    private int buffered;
    private uint crcState = uint.MaxValue;
    private uint partCrcState = uint.MaxValue;
    private bool isInPart;

    /// <summary>Bytes of the finished file.</summary>
    public long FileLength => sink.FileLength;

    /// <summary>Bytes kept free at the front of the archive.</summary>
    public int HeadLength { get; private set; } = headLength;

    /// <summary>Bytes appended so far, those in memory included; the head is not counted.</summary>
    public long Length { get; private set; }

    /// <summary>CRC-32C of all that was appended.</summary>
    public uint Crc32C => ~crcState;

    /// <summary>CRC-32C of what was appended since <see cref="StartPart"/>.</summary>
    public uint PartCrc32C => ~partCrcState;

    public string Path => path;

    /// <summary>Told how far the body has been given to the system, and when it was cut back.</summary>
    public TrailingReadBack? Trail { get; set; }

    public void StartPart() => isInPart = true;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        crcState = Format.Crc32C.Append(crcState, bytes);
        partCrcState = isInPart ? Format.Crc32C.Append(partCrcState, bytes) : partCrcState;
        if (bytes.Length >= WorthNoCopy)
        {
            WriteOut();
            sink.Append(bytes);
            Length += bytes.Length;
            Trail?.Written(Length);
            return;
        }

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
        var forgotten = Length - mark.Length;
        if (forgotten > buffered)
        {
            buffered = 0;
            Trail?.Cut(mark.Length);
            sink.CutTo(mark.Length);
        }
        else
        {
            buffered -= (int)forgotten;
        }

        (Length, crcState) = (mark.Length, mark.CrcState);
    }

    /// <summary>Makes the head longer than the room kept for it.</summary>
    public void GrowHead(int length) => HeadLength = length;

    /// <summary>Fills the head in and brings all of it to the disk. Nothing follows.</summary>
    public void Finish(ReadOnlySpan<byte> head)
    {
        WriteOut();
        if (Trail?.HoldsHead() != true)
        {
            sink.Finish(head);
        }
    }

    private void WriteOut()
    {
        if (buffered == 0)
        {
            return;
        }

        sink.Append(buffer.AsSpan(0, buffered));
        buffered = 0;
        Trail?.Written(Length);
    }

    internal readonly record struct Mark(long Length, uint CrcState);
}
