using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Encryption;

/// <summary>The bytes of a file that is not encrypted. Owns the file.</summary>
internal sealed class PlainBytes(SafeFileHandle file, long length) : IArchiveBytes
{
    public long Length => length;

    public IReadOnlyCollection<long> Damaged => [];

    public int Read(Span<byte> buffer, long offset) => RandomAccess.Read(file, buffer, offset);

    public int ReadForChecksum(Span<byte> buffer, long offset) => Read(buffer, offset);

    public Stream OpenStored() => new BytesSlice(this, 0, length);

    public void Dispose() => file.Dispose();
}
