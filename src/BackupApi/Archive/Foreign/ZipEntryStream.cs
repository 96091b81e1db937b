using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using BackupApi.Archive.Encryption;
using BackupApi.Files;
using BackupApi.Model;
using ICSharpCode.SharpZipLib.Checksum;

namespace BackupApi.Archive.Foreign;

/// <summary>Reads a zip as one that may be hostile: stored and deflated entries, zip64, Unix modes and symlinks.</summary>
/// <remarks>
/// Names come from the directory and must be the same in each entry's own header; data of two entries must not overlap (a known way to make a bomb);
/// size and CRC-32 of the content must be those announced. Encrypted entries and other methods are refused by name.
/// </remarks>
internal sealed class ZipEntryStream : IEntryStream
{
    private const uint HeaderSignature = 0x04034b50;
    private const int HeaderLength = 30;
    private const int Stored = 0;
    private const int Deflated = 8;
    private const int MaxLinkLength = 4095;

    private readonly IArchiveBytes file;
    private readonly IEnumerator<ZipItem> items;
    private readonly int maxRatio;

    /// <summary>Where the entries' own headers begin, in the order of the file: the data of each ends before the next.</summary>
    private readonly long[] starts;
    private readonly Crc32 crc = new();
    private ZipItem? current;
    private string currentName = "";
    private Stream? content;
    private long contentLeft;

    private ZipEntryStream(IArchiveBytes file, ZipDirectory directory, int maxRatio)
    {
        this.file = file;
        this.maxRatio = maxRatio;
        starts = new long[directory.Count];
        var i = 0;
        foreach (var item in directory.Items())
        {
            starts[i++] = item.HeaderOffset;
        }

        Array.Sort(starts);
        items = directory.Items().GetEnumerator();
    }

    /// <summary>Takes over the bytes.</summary>
    public static ZipEntryStream Open(IArchiveBytes zip, ArchiveLimits limits)
    {
        try
        {
            return new ZipEntryStream(zip, ZipDirectory.Open(zip, limits.MaxEntries), limits.MaxRatio);
        }
        catch (IOException e)
        {
            zip.Dispose();
            throw Errno.ToFault(e);
        }
        catch (BackupException)
        {
            zip.Dispose();
            throw;
        }
    }

    public async ValueTask<ArchiveEntry?> NextAsync(CancellationToken ct)
    {
        var rest = new byte[content is null ? 0 : 1 << 16];
        while (content is not null && await ReadAsync(rest, ct) > 0)
        {
            // What is left of the entry before is read through, so that its CRC is judged.
        }

        while (items.MoveNext())
        {
            var item = items.Current;
            var entry = ZipFacts.ToEntry(item);
            currentName = EntryName.Short(entry.Name);
            current = item;
            OpenContent(item);
            if (entry.Kind == EntryKind.Symlink)
            {
                return entry with { LinkTarget = await ReadLinkAsync(item, entry.Name, ct) };
            }

            if (entry.Kind == EntryKind.Directory)
            {
                await CloseContentAsync();
            }

            if (entry.Name.Length > 0)
            {
                return entry.Kind == EntryKind.Directory && item.Size != 0 ? throw ZipDirectory.Damaged($"The folder '{currentName}' announces content.", item.HeaderOffset) : entry;
            }
        }

        return null;
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct)
    {
        if (content is null || buffer.IsEmpty)
        {
            return 0;
        }

        int length;
        try
        {
            length = await content.ReadAsync(buffer[..(int)Math.Min(buffer.Length, contentLeft + 1)], ct);
        }
        catch (InvalidDataException)
        {
            throw Damaged("cannot be inflated");
        }

        if (length > contentLeft)
        {
            throw Damaged("holds more than it announces");
        }

        if (length == 0)
        {
            await EndContentAsync();
            return 0;
        }

        contentLeft -= length;
        crc.Update(MemoryMarshal.TryGetArray<byte>(buffer[..length], out var read) ? read : new ArraySegment<byte>(buffer[..length].ToArray()));
        return length;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseContentAsync();
        items.Dispose();
        file.Dispose();
    }

    private void OpenContent(ZipItem item)
    {
        if ((item.Flags & 1) != 0)
        {
            throw Hostile($"has the encrypted entry '{currentName}'; make it again without a password");
        }

        if (item.Method is not (Stored or Deflated))
        {
            throw Hostile($"has the entry '{currentName}' packed by method {item.Method}; make it again with the usual one (deflate)");
        }

        if (item.Size > 16 << 20 && item.Size / Math.Max(1, item.CompressedSize) > maxRatio)
        {
            throw Hostile($"has the entry '{currentName}', which would unpack to {item.Size} bytes from {item.CompressedSize}");
        }

        var header = ZipDirectory.ReadExactly(file, item.HeaderOffset, HeaderLength);
        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(26));
        var start = item.HeaderOffset + HeaderLength + nameLength + BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(28));
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != HeaderSignature)
        {
            throw Damaged("has no header where the directory says");
        }

        if (!ZipDirectory.ReadExactly(file, item.HeaderOffset + HeaderLength, nameLength).AsSpan().SequenceEqual(item.NameBytes))
        {
            throw Hostile($"calls the entry '{currentName}' by another name in its own header");
        }

        if (item.CompressedSize > EndOfData(item.HeaderOffset) - start)
        {
            throw Hostile($"has data of the entry '{currentName}' that overlaps the next one's, or the end");
        }

        if (item.Method == Stored && item.Size != item.CompressedSize)
        {
            throw Damaged("announces two sizes");
        }

        var raw = new BytesSlice(file, start, item.CompressedSize);
        content = item.Method == Stored ? raw : new DeflateStream(raw, CompressionMode.Decompress);
        contentLeft = item.Size;
        crc.Reset();
    }

    private long EndOfData(long header)
    {
        var place = Array.BinarySearch(starts, header);
        if ((place > 0 && starts[place - 1] == header) || (place + 1 < starts.Length && starts[place + 1] == header))
        {
            throw Hostile($"has the entry '{currentName}' and another one over the same data");
        }

        return place + 1 < starts.Length ? starts[place + 1] : file.Length;
    }

    private async ValueTask<string> ReadLinkAsync(ZipItem item, string name, CancellationToken ct)
    {
        if (item.Size is 0 or > MaxLinkLength)
        {
            throw EntryName.Hostile(name, "is a symlink to nothing, or to a name that is too long");
        }

        var target = new byte[item.Size];
        var done = 0;
        while (done < target.Length && await ReadAsync(target.AsMemory(done), ct) is var length and > 0)
        {
            done += length;
        }

        _ = await ReadAsync(new byte[1], ct);
        return target.AsSpan().Contains((byte)0) ? throw EntryName.Hostile(name, "is a symlink to a name with a NUL") : PathText.Decode(target);
    }

    private async ValueTask EndContentAsync()
    {
        if (contentLeft != 0)
        {
            throw Damaged($"ends {contentLeft} bytes before its announced size");
        }

        if ((uint)crc.Value != current!.Crc)
        {
            throw Damaged("does not match its CRC-32");
        }

        await CloseContentAsync();
    }

    private async ValueTask CloseContentAsync()
    {
        if (content is not null)
        {
            await content.DisposeAsync();
            content = null;
        }
    }

    private BackupException Damaged(string what) => ZipDirectory.Damaged($"The entry '{currentName}' {what}.", current!.HeaderOffset);

    private static BackupException Hostile(string what) => new(
        Fault.ArchiveHostile,
        $"The zip {what}, so it was refused.",
        "Do not use this archive unless you know who made it; make a new one from inside the folder to be restored.");
}
