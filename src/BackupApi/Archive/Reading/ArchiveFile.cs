using BackupApi.Archive.Chunks;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>An open archive with an index, and the raw reading of its parts. Safe for several threads.</summary>
internal sealed class ArchiveFile : IDisposable
{
    private readonly IArchiveBytes bytes;

    private ArchiveFile(IArchiveBytes bytes, string path)
    {
        this.bytes = bytes;
        Path = path;
    }

    public string Path { get; }

    /// <summary>Before encryption.</summary>
    public long Length => bytes.Length;

    /// <summary>As <see cref="IArchiveBytes.Damaged"/>.</summary>
    public IReadOnlyCollection<long> Damaged => bytes.Damaged;

    /// <summary>Null for an archive that was made elsewhere, compressed anew, or whose end is damaged.</summary>
    public Locator? Locator { get; private init; }

    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    /// <exception cref="BackupException">As of <see cref="ArchiveBytes.Open"/>.</exception>
    public static ArchiveFile Open(string path, ArchiveKeys keys)
    {
        var opened = ArchiveBytes.Open(path, keys);
        try
        {
            return new ArchiveFile(opened, path) { Locator = FindLocator(opened) };
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="buffer"/>; false when the file ends before. Encrypted bytes that are not authentic come as zeros: everything read so has a checksum.</summary>
    /// <exception cref="BackupException"><see cref="Fault.DiskError"/>.</exception>
    public bool TryRead(Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            var length = Read(buffer, offset, forChecksum: true);
            if (length == 0)
            {
                return false;
            }

            buffer = buffer[length..];
            offset += length;
        }

        return true;
    }

    /// <summary>The bytes from <paramref name="offset"/> on as a stream that does not own the file.</summary>
    public Stream OpenFrom(long offset) => new RangeStream(this, offset, Length);

    /// <summary>The file as it lies on the disk, encrypted or not, as a stream that does not own it.</summary>
    public Stream OpenStored() => bytes.OpenStored();

    public Stream OpenRange(long offset, long end) => new RangeStream(this, offset, end);

    /// <summary>The pages of the index; null when the directory is damaged.</summary>
    public IReadOnlyList<IndexPage>? FindPages()
    {
        if (Locator is not { } at)
        {
            return null;
        }

        var compressed = new byte[at.DirectoryCompressedLength];
        var content = new byte[at.DirectoryLength];
        if (!TryRead(compressed, at.DirectoryOffset) || Crc32C.Of(compressed) != at.DirectoryCrc32C || !ChunkCodec.TryInflateUnchecked(compressed, content))
        {
            return null;
        }

        try
        {
            return IndexDirectory.Read(content, at.DirectoryOffset - at.IndexOffset);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>What the index holds by way of the locator: its pages, one after the other, and the directory. Undamaged, or <see cref="FindPages"/> and the cursor would have said so.</summary>
    public IEnumerable<byte[]> IndexContent()
    {
        foreach (var page in FindPages() ?? [])
        {
            yield return Inflated(Locator!.IndexOffset + page.Offset, page.CompressedLength, page.Length);
        }

        yield return Inflated(Locator!.DirectoryOffset, Locator.DirectoryCompressedLength, Locator.DirectoryLength);
    }

    public void Dispose() => bytes.Dispose();

    private int Read(Span<byte> buffer, long offset, bool forChecksum = false)
    {
        try
        {
            return forChecksum ? bytes.ReadForChecksum(buffer, offset) : bytes.Read(buffer, offset);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    private byte[] Inflated(long offset, int compressedLength, int length)
    {
        var compressed = new byte[compressedLength];
        var content = new byte[length];
        return TryRead(compressed, offset) && ChunkCodec.TryInflateUnchecked(compressed, content) ? content : [];
    }

    private static Locator? FindLocator(IArchiveBytes bytes)
    {
        const int Content = ArchiveLayout.TrailerLength + (3 * TarFormat.BlockLength);
        if (bytes.Length < ArchiveLayout.GzipHeader.Length + ArchiveLayout.TailLength + ArchiveLayout.TrailerLength)
        {
            return null;
        }

        var block = new byte[TarFormat.BlockLength];
        var done = 0;
        while (done < block.Length && bytes.ReadForChecksum(block.AsSpan(done), bytes.Length - Content + done) is var read and > 0)
        {
            done += read;
        }

        return done == block.Length ? Locator.Read(block, bytes.Length) : null;
    }

    /// <summary>Part of the file as a stream.</summary>
    private sealed class RangeStream(ArchiveFile file, long start, long end) : Stream
    {
        private long position = start;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var length = file.Read(buffer[..(int)Math.Min(buffer.Length, Math.Max(0, end - position))], position);
            position += length;
            return length;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
