using System.Buffers.Binary;
using System.Globalization;
using BackupApi.Archive.Format;
using BackupApi.Model;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.Checksum;
using ICSharpCode.SharpZipLib.Zip.Compression;

namespace BackupApi.Archive.Gzip;

/// <summary>A gzip file read strictly, one member after the other: header, deflate data, CRC-32 and length are all demanded (RFC 1952).</summary>
/// <remarks>
/// GZipStream is not used because it takes a truncated file for a finished one and says nothing. Zeros behind the last member (tapes) are allowed, anything else is not.
/// Forward only, synchronous inside: the file is read in large pieces.
/// </remarks>
/// <param name="file">Owned, and disposed with this.</param>
/// <param name="maxRatio">Most bytes of content for each compressed byte, see <see cref="ArchiveLimits"/>.</param>
internal sealed class GzipInput(Stream file, int maxRatio = int.MaxValue) : Stream
{
    private const long RatioMattersFrom = 16 << 20;

    private const int TrailerLength = 8;

    private readonly byte[] input = new byte[64 * 1024];
    private readonly Inflater inflater = new(noHeader: true);
    private readonly Crc32 crc = new();
    private int start;
    private int end;
    private long consumedBefore;
    private bool inMember;
    private bool finished;
    private int members;
    private uint crcBefore;
    private long lengthBefore;
    private long total;

    /// <summary>Goes on in the middle of a member, on a byte boundary at which a chunk begins.</summary>
    /// <param name="offset">Of that byte in the archive, for messages.</param>
    public static GzipInput Resume(Stream file, long offset, uint crc32SoFar, long lengthSoFar) => new(file)
    {
        consumedBefore = offset,
        crcBefore = crc32SoFar,
        lengthBefore = lengthSoFar,
        inMember = true,
        members = 1,
    };

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Compressed bytes taken so far.</summary>
    public long CompressedOffset => consumedBefore + start - (inMember ? inflater.RemainingInput : 0);

    public override int Read(Span<byte> buffer)
    {
        var copy = new byte[Math.Min(buffer.Length, 64 * 1024)];
        var length = Read(copy, 0, copy.Length);
        copy.AsSpan(0, length).CopyTo(buffer);
        return length;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(buffer, out var array)
            ? new ValueTask<int>(Read(array.Array!, array.Offset, array.Count))
            : new ValueTask<int>(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        while (!finished && count > 0)
        {
            if (!inMember && !BeginMember())
            {
                finished = true;
                break;
            }

            var length = Inflate(buffer, offset, count);
            if (length > 0)
            {
                crc.Update(new ArraySegment<byte>(buffer, offset, length));
                total += length;
                return total < RatioMattersFrom || total / Math.Max(1, CompressedOffset) <= maxRatio
                    ? length
                    : throw new BackupException(Fault.ArchiveHostile, $"The archive unpacks to more than {maxRatio} times its size, so it was refused as a bomb.", "Look at who made this archive.");
            }

            if (inflater.IsFinished)
            {
                EndMember();
            }
            else if (inflater.IsNeedingDictionary || !inflater.IsNeedingInput)
            {
                throw Damaged("The compressed data cannot be read");
            }
            else if (Fill())
            {
                inflater.SetInput(input, start, end - start);
                start = end;
            }
            else
            {
                throw Damaged("The compressed data stops before its end: the file is truncated");
            }
        }

        return 0;
    }

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
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Inflate(byte[] buffer, int offset, int count)
    {
        try
        {
            return inflater.Inflate(buffer, offset, count);
        }
        catch (Exception e) when (e is SharpZipBaseException or IndexOutOfRangeException or ArgumentException)
        {
            throw Damaged("The compressed data is damaged");
        }
    }

    /// <summary>False at the end of the file (or of its padding with zeros).</summary>
    private bool BeginMember()
    {
        if (members > 0 && OnlyZerosLeft())
        {
            return false;
        }

        if (GzipMemberHeader.Skip(Next) is { } wrong)
        {
            throw Damaged(members > 0 && wrong == GzipMemberHeader.NoGzip ? "There are bytes behind the end of the compressed data" : wrong);
        }

        members++;
        inMember = true;
        (crcBefore, lengthBefore) = (0, 0);
        crc.Reset();
        inflater.Reset();
        if (start < end)
        {
            inflater.SetInput(input, start, end - start);
            start = end;
        }

        return true;
    }

    private void EndMember()
    {
        start = end - inflater.RemainingInput;
        inMember = false;
        Span<byte> trailer = stackalloc byte[TrailerLength];
        for (var i = 0; i < TrailerLength; i++)
        {
            trailer[i] = (byte)Next();
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != Crc32Combination.Combine(crcBefore, (uint)crc.Value, inflater.TotalOut))
        {
            throw Damaged("The CRC-32 at the end of the gzip data does not match its content");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)(lengthBefore + inflater.TotalOut))
        {
            throw Damaged("The length at the end of the gzip data does not match its content");
        }
    }

    private bool OnlyZerosLeft()
    {
        while (true)
        {
            while (start < end && input[start] == 0)
            {
                start++;
            }

            if (start < end)
            {
                return false;
            }

            if (!Fill())
            {
                return true;
            }
        }
    }

    private int Next() => start < end || Fill() ? input[start++] : throw Damaged("The gzip data stops before its end: the file is truncated");

    private bool Fill()
    {
        consumedBefore += end;
        start = 0;
        end = 0;
        end = file.Read(input, 0, input.Length);
        return end > 0;
    }

    private BackupException Damaged(string what) => ArchiveFaults.Damaged($"{what}.", $"archive offset {CompressedOffset.ToString(CultureInfo.InvariantCulture)}");
}
