using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.BZip2;

namespace BackupApi.Archive.Foreign;

/// <summary>The bytes of a bzip2 file, also of one made of several streams (pbzip2, <c>cat a.bz2 b.bz2</c>). Damage and truncation are faults.</summary>
/// <param name="file">Owned. Read byte by byte, so it should be buffered.</param>
internal sealed class Bzip2Input(Stream file) : Stream
{
    private BZip2InputStream? member;
    private bool ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            while (!ended && count > 0)
            {
                member ??= new BZip2InputStream(file) { IsStreamOwner = false };
                var length = member.Read(buffer, offset, count);
                if (length > 0)
                {
                    return length;
                }

                member.Dispose();
                member = null;
                ended = file.Position >= file.Length;
            }

            return 0;
        }
        catch (Exception e) when (e is SharpZipBaseException or IndexOutOfRangeException or EndOfStreamException or ArgumentException or OverflowException)
        {
            throw ArchiveFaults.Damaged("The bzip2 data is damaged or cut short.", $"archive offset {file.Position}");
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(buffer, out var array))
        {
            return ValueTask.FromResult(Read(array.Array!, array.Offset, array.Count));
        }

        var copy = new byte[buffer.Length];
        var length = Read(copy, 0, copy.Length);
        copy.AsMemory(0, length).CopyTo(buffer);
        return ValueTask.FromResult(length);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            member?.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }
}
