using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Tar;

/// <summary>Reads any tar (v7, ustar, pax, GNU) from a stream of its bytes, as one that may be hostile.</summary>
/// <remarks>
/// Refused by name: devices, pipes, sparse and multi-volume entries, links that carry content, names that climb out. A repeated name is passed on: <see cref="Unpacker"/> judges it.
/// A tar must end with a block of zeros; one that just stops is truncated, wherever it stops.
/// </remarks>
internal sealed class TarEntryStream : IEntryStream
{
    /// <summary>Most bytes of one pax or GNU long-name header; a name ends at 4,095.</summary>
    private const int MaxExtendedLength = 1 << 20;

    private readonly TarBytes tar;
    private readonly long maxEntries;
    private readonly PaxRecords global = new();
    private long entries;
    private long contentLeft;
    private int paddingLeft;
    private bool isOurs;
    private bool ended;
    private string current = "";

    /// <summary>The name in the header that is being looked at, as it stands there.</summary>
    private string stored = "";

    /// <param name="tar">Owned, and disposed with this. Faults it throws (a damaged gzip) pass through.</param>
    /// <param name="isOurs">The bytes are a piece of an archive that begins with our manifest; else it is looked for.</param>
    public TarEntryStream(Stream tar, long maxEntries = 2_000_000, bool isOurs = false)
    {
        this.isOurs = isOurs;
        this.tar = new TarBytes(tar);
        this.maxEntries = maxEntries;
    }

    /// <summary>Offset in the tar at which the current entry's own header block begins.</summary>
    public long HeaderOffset { get; private set; }

    /// <summary>Bytes of tar read so far.</summary>
    public long Position => tar.Position;

    public async ValueTask<ArchiveEntry?> NextAsync(CancellationToken ct)
    {
        if (ended)
        {
            return null;
        }

        await SkipContentAsync(ct);
        string? longName = null, longLink = null;
        PaxRecords? pax = null;
        while (true)
        {
            HeaderOffset = tar.Position;
            var block = await tar.ReadBlockAsync(ct);
            if (!block.Span.ContainsAnyExcept((byte)0))
            {
                ended = true;
                await tar.DrainAsync(ct);
                return longName is null && longLink is null && pax is null ? null : throw Damaged($"The tar ends after a header that announces another entry{Name(longName)}.");
            }

            if (!TarBlock.HasRightChecksum(block.Span))
            {
                throw Damaged($"The tar header {(current.Length == 0 ? "at the beginning" : $"that follows '{current}'")} has a wrong checksum.");
            }

            stored = pax?.Text("path") ?? longName ?? TarBlock.NameOf(block.Span);
            if (!TarBlock.TryNumber(block.Span.Slice(TarFormat.Size, TarFormat.SizeLength), out var size) || size < 0)
            {
                throw Damaged("has an impossible size", stored);
            }

            switch (block.Span[TarFormat.TypeFlag])
            {
                case TarFormat.PaxHeader:
                    pax ??= new PaxRecords();
                    await ReadPaxAsync(pax, size, ct);
                    continue;
                case TarFormat.PaxGlobalHeader:
                    await ReadPaxAsync(global, size, ct);
                    continue;
                case TarFormat.GnuLongName:
                    longName = PathText.Decode(TarBlock.Text((await ReadExtendedAsync(size, ct)).Span));
                    continue;
                case TarFormat.GnuLongLink:
                    longLink = PathText.Decode(TarBlock.Text((await ReadExtendedAsync(size, ct)).Span));
                    continue;
                case TarFormat.GnuVolumeLabel:
                    await tar.SkipAsync(TarFormat.Padded(size), "in a volume label", ct);
                    continue;
            }

            if (++entries > maxEntries)
            {
                throw ArchiveFaults.TooMany(maxEntries, stored);
            }

            pax ??= new PaxRecords();
            pax.TakeDefaultsFrom(global);
            stored = pax.Text("path") ?? longName ?? TarBlock.NameOf(block.Span);
            var entry = ToEntry(block.Span, size, pax, longLink);
            (longName, longLink, pax) = (null, null, null);
            if (entry.Name.Length > 0)
            {
                return entry;
            }
        }
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct)
    {
        if (contentLeft == 0 || buffer.IsEmpty)
        {
            return 0;
        }

        var length = await tar.ReadAsync(buffer[..(int)Math.Min(buffer.Length, contentLeft)], $"inside '{current}'", ct);
        contentLeft -= length;
        return length;
    }

    /// <summary>Skips what is left of the current entry, its padding included.</summary>
    public async ValueTask SkipContentAsync(CancellationToken ct)
    {
        await tar.SkipAsync(contentLeft + paddingLeft, $"inside '{current}'", ct);
        contentLeft = paddingLeft = 0;
    }

    public ValueTask DisposeAsync() => tar.DisposeAsync();

    private ArchiveEntry ToEntry(ReadOnlySpan<byte> block, long headerSize, PaxRecords pax, string? longLink)
    {
        var type = block[TarFormat.TypeFlag];
        if (type == TarFormat.GnuSparse || pax.IsSparse)
        {
            throw EntryName.Hostile(stored, "is stored as a sparse file (make the archive again without --sparse)");
        }

        var isFolder = type == TarFormat.Directory || (type is TarFormat.OldFile or TarFormat.File && stored.EndsWith('/'));
        var kind = isFolder ? EntryKind.Directory : type switch
        {
            TarFormat.File or TarFormat.OldFile or TarFormat.ContiguousFile => EntryKind.File,
            TarFormat.HardLink => EntryKind.HardLink,
            TarFormat.Symlink => EntryKind.Symlink,
            TarFormat.CharacterDevice or TarFormat.BlockDevice or TarFormat.Pipe => throw EntryName.Hostile(stored, "is a device or a pipe"),
            _ => throw EntryName.Hostile(stored, $"is of a kind (type flag 0x{type:x2}) that is never unpacked"),
        };

        isOurs |= entries == 1 && stored == Manifest.EntryName;
        var name = EntryName.Clean(stored, isForeign: !isOurs);
        current = EntryName.Short(name);
        var size = Number(pax, "size", headerSize);
        if (kind != EntryKind.File && size != 0)
        {
            throw Damaged("can have no content and announces some", stored);
        }

        if (kind == EntryKind.File && name.Length == 0)
        {
            throw EntryName.Hostile(stored, "is a file without a name");
        }

        // Above this, adding the padding would overflow; no disk is that large.
        if (size > long.MaxValue - TarFormat.BlockLength)
        {
            throw Damaged("has an impossible size", stored);
        }

        contentLeft = size;
        paddingLeft = TarFormat.Padding(size);
        return new ArchiveEntry(name, kind, size, (uint)Field(block, TarFormat.Mode, TarFormat.IdLength) & 0xFFF, Id(block, TarFormat.Uid, pax, "uid"), Id(block, TarFormat.Gid, pax, "gid"), ModifiedOf(block, pax))
        {
            LinkTarget = kind switch
            {
                EntryKind.Symlink => SymlinkTarget(stored, pax.Text("linkpath") ?? longLink ?? TarBlock.LinkOf(block)),
                EntryKind.HardLink => HardLinkTarget(stored, pax.Text("linkpath") ?? longLink ?? TarBlock.LinkOf(block)),
                _ => null,
            },
        };
    }

    /// <summary>A symlink may point anywhere: it is never followed here, and an application may well keep one that leaves its storage.</summary>
    private static string SymlinkTarget(string stored, string target) =>
        target.Length == 0 ? throw EntryName.Hostile(stored, "is a symlink to nothing")
        : target.Contains('\0', StringComparison.Ordinal) ? throw EntryName.Hostile(stored, "is a symlink to a name with a NUL")
        : PathText.Encode(target).Length > EntryName.MaxBytes ? throw EntryName.Hostile(stored, "is a symlink to a name that is too long")
        : target;

    private string HardLinkTarget(string stored, string target)
    {
        if (EntryName.WhyNot(target, isForeign: !isOurs, out var clean) is { } why)
        {
            throw EntryName.Hostile(stored, $"is a hard link to '{EntryName.Short(target)}', which {why}");
        }

        return clean.Length > 0 ? clean : throw EntryName.Hostile(stored, "is a hard link to nothing");
    }

    private UnixTime ModifiedOf(ReadOnlySpan<byte> block, PaxRecords pax) =>
        pax.Text("mtime") is not { } text ? new UnixTime(Field(block, TarFormat.Modified, TarFormat.ModifiedLength), 0)
        : PaxTime.TryParse(text, out var time) ? time
        : throw Damaged("has an unreadable time in its pax header", stored);

    private uint Id(ReadOnlySpan<byte> block, int offset, PaxRecords pax, string key)
    {
        var id = Number(pax, key, pax.Has(key) ? 0 : Field(block, offset, TarFormat.IdLength));
        return id is >= 0 and <= uint.MaxValue ? (uint)id : throw Damaged("has an impossible owner", stored);
    }

    private long Field(ReadOnlySpan<byte> block, int offset, int length) =>
        TarBlock.TryNumber(block.Slice(offset, length), out var value) ? value : throw Damaged("has an unreadable number in its tar header", stored);

    private long Number(PaxRecords pax, string key, long otherwise) =>
        pax.Text(key) is not { } text ? otherwise
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
        : throw Damaged($"has an unreadable {key} in its pax header", stored);

    private async ValueTask ReadPaxAsync(PaxRecords records, long size, CancellationToken ct)
    {
        if (!records.TryAdd((await ReadExtendedAsync(size, ct)).Span))
        {
            throw Damaged("is a pax header that cannot be read", stored);
        }
    }

    private async ValueTask<Memory<byte>> ReadExtendedAsync(long size, CancellationToken ct)
    {
        if (size > MaxExtendedLength)
        {
            throw Damaged($"is a header of another entry and announces {size.ToString(CultureInfo.InvariantCulture)} bytes", stored);
        }

        var bytes = new byte[size];
        await tar.ReadExactlyAsync(bytes, "in an extended header", ct);
        await tar.SkipAsync(TarFormat.Padding(size), "in an extended header", ct);
        return bytes;
    }

    private static string Name(string? name) => name is null ? "" : $" '{EntryName.Short(name)}'";

    private BackupException Damaged(string what, string entry) => Damaged($"The entry '{EntryName.Short(entry)}' {what}.");

    private BackupException Damaged(string what) => ArchiveFaults.Damaged(what, $"tar offset {HeaderOffset.ToString(CultureInfo.InvariantCulture)}");
}
