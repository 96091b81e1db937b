using System.Buffers.Binary;
using System.Globalization;
using BackupApi.Archive.Encryption;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Foreign;

/// <summary>One entry of a zip's central directory, before its name was judged.</summary>
internal sealed record ZipItem(byte[] NameBytes, ushort Flags, ushort Method, uint Crc, long CompressedSize, long Size, long HeaderOffset, int Host, uint Attributes, ushort DosTime, ushort DosDate, byte[] Extra);

/// <summary>The central directory of a zip (APPNOTE.TXT 4.3 and 4.5.3, PKWARE), every length checked against the file.</summary>
/// <remarks>It is gone through item by item, as often as needed, and never all in memory: a million of them is soon written.</remarks>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint End64Signature = 0x06064b50;
    private const uint Locator64Signature = 0x07064b50;
    private const uint ItemSignature = 0x02014b50;
    private const int EndLength = 22;
    private const int Locator64Length = 20;
    private const int End64Length = 56;
    private const int ItemLength = 46;
    private const int MaxItemLength = ItemLength + (3 * ushort.MaxValue);
    private const ushort Zip64Extra = 0x0001;

    /// <summary>Bytes of it that are held at one time; more than the longest item (46 bytes, and three fields of 65,535).</summary>
    private const int WindowLength = 256 << 10;

    private readonly IArchiveBytes file;
    private readonly long offset;
    private readonly long directoryEnd;

    private ZipDirectory(IArchiveBytes file, long offset, long directoryEnd, long count) => (this.file, this.offset, this.directoryEnd, Count) = (file, offset, directoryEnd, count);

    public long Count { get; }

    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/> or <see cref="Fault.ArchiveHostile"/>.</exception>
    public static ZipDirectory Open(IArchiveBytes file, long maxEntries)
    {
        var (offset, length, count) = FindDirectory(file);
        if (count > maxEntries)
        {
            throw ArchiveFaults.TooMany(maxEntries);
        }

        return offset < 0 || length < 0 || offset > file.Length - length || count < 0 || count > length / ItemLength
            ? throw Damaged("The zip's directory does not fit the file.", offset)
            : new ZipDirectory(file, offset, offset + length, count);
    }

    /// <summary>The items in the order of the directory.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>.</exception>
    public IEnumerable<ZipItem> Items()
    {
        var window = ReadOnlyMemory<byte>.Empty;
        var windowAt = offset;
        var position = offset;
        for (long i = 0; i < Count; i++)
        {
            if (position + MaxItemLength > windowAt + window.Length)
            {
                windowAt = position;
                window = ReadExactly(file, position, (int)Math.Min(WindowLength, directoryEnd - position));
            }

            var (item, itemLength) = Take(window.Span[(int)(position - windowAt)..], position);
            position += itemLength;
            yield return item;
        }
    }

    private static (ZipItem Item, int Length) Take(ReadOnlySpan<byte> item, long at)
    {
        if (item.Length < ItemLength || BinaryPrimitives.ReadUInt32LittleEndian(item) != ItemSignature)
        {
            throw Damaged("An item of the zip's directory cannot be read.", at);
        }

        int name = U16(item, 28), extra = U16(item, 30), comment = U16(item, 32);
        var total = ItemLength + name + extra + comment;
        return item.Length < total
            ? throw Damaged("An item of the zip's directory is cut short.", at)
            : (ToItem(item, item.Slice(ItemLength, name), item.Slice(ItemLength + name, extra), at), total);
    }

    /// <summary>Reads that many bytes or fails.</summary>
    public static byte[] ReadExactly(IArchiveBytes file, long offset, int length)
    {
        var bytes = new byte[length];
        var done = 0;
        while (done < length && file.Read(bytes.AsSpan(done), offset + done) is var read and > 0)
        {
            done += read;
        }

        return done == length ? bytes : throw Damaged("The zip ends before something it announces.", offset);
    }

    /// <summary>The part of an extra field with that id, or nothing (APPNOTE.TXT 4.5.1).</summary>
    public static ReadOnlySpan<byte> FindExtra(ReadOnlySpan<byte> extra, ushort id)
    {
        while (extra.Length >= 4)
        {
            int length = U16(extra, 2);
            if (length > extra.Length - 4)
            {
                return default;
            }

            if (U16(extra, 0) == id)
            {
                return extra.Slice(4, length);
            }

            extra = extra[(4 + length)..];
        }

        return default;
    }

    private static ZipItem ToItem(ReadOnlySpan<byte> item, ReadOnlySpan<byte> name, ReadOnlySpan<byte> extra, long at)
    {
        long compressed = U32(item, 20), size = U32(item, 24), header = U32(item, 42);
        var wide = FindExtra(extra, Zip64Extra);

        // Only fields that are full in the item itself follow in the extra field, in this order.
        size = Widen(size, ref wide, name, at);
        compressed = Widen(compressed, ref wide, name, at);
        header = Widen(header, ref wide, name, at);
        return size < 0 || compressed < 0 || header < 0
            ? throw Damaged($"The entry '{EntryName.Short(PathText.Decode(name))}' has an impossible size in the zip's directory.", at)
            : new ZipItem(name.ToArray(), U16(item, 8), U16(item, 10), U32(item, 16), compressed, size, header, item[5], U32(item, 38), U16(item, 12), U16(item, 14), extra.ToArray());
    }

    private static long Widen(long value, ref ReadOnlySpan<byte> wide, ReadOnlySpan<byte> name, long at)
    {
        if (value != uint.MaxValue)
        {
            return value;
        }

        if (wide.Length < 8)
        {
            throw Damaged($"The entry '{EntryName.Short(PathText.Decode(name))}' lacks the size that its zip64 mark announces.", at);
        }

        value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[8..];
        return value;
    }

    private static (long Offset, long Length, long Count) FindDirectory(IArchiveBytes file)
    {
        var fileLength = file.Length;
        var tailLength = (int)Math.Min(fileLength, EndLength + ushort.MaxValue);
        var tail = ReadExactly(file, fileLength - tailLength, tailLength);
        for (var i = tailLength - EndLength; i >= 0; i--)
        {
            var end = tail.AsSpan(i);
            if (U32(end, 0) == EndSignature && U16(end, 20) == end.Length - EndLength)
            {
                var at = fileLength - tailLength + i;
                return U16(end, 4) is not 0 and not ushort.MaxValue
                    ? throw Damaged("The zip is one of several parts.", at)
                    : FindDirectory64(file, at) ?? (U32(end, 16), U32(end, 12), U16(end, 10));
            }
        }

        throw Damaged("The end of the zip is missing: the file is cut short.", fileLength);
    }

    private static (long Offset, long Length, long Count)? FindDirectory64(IArchiveBytes file, long endAt)
    {
        if (endAt < Locator64Length)
        {
            return null;
        }

        var locator = ReadExactly(file, endAt - Locator64Length, Locator64Length);
        if (U32(locator, 0) != Locator64Signature)
        {
            return null;
        }

        var at = BinaryPrimitives.ReadInt64LittleEndian(locator.AsSpan(8));
        if (at < 0 || at > endAt - End64Length)
        {
            throw Damaged("The zip64 end lies outside of the file.", endAt);
        }

        var end = ReadExactly(file, at, End64Length).AsSpan();
        return U32(end, 0) == End64Signature
            ? (BinaryPrimitives.ReadInt64LittleEndian(end[48..]), BinaryPrimitives.ReadInt64LittleEndian(end[40..]), BinaryPrimitives.ReadInt64LittleEndian(end[32..]))
            : throw Damaged("The zip64 end cannot be read.", at);
    }

    public static BackupException Damaged(string what, long at) => ArchiveFaults.Damaged(what, string.Create(CultureInfo.InvariantCulture, $"zip offset {at}"));

    private static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
