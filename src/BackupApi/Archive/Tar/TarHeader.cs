using System.Globalization;
using System.Text;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Tar;

/// <summary>Writes the header blocks of an entry: one ustar block, preceded by a pax extended header where ustar cannot say it.</summary>
/// <remarks>
/// The bytes depend on the entry alone: no process id, no clock, no user names. Numbers only, so that unpacking on another machine gives the same owners.
/// System.Formats.Tar is not used because it puts the process id into header names and cuts times to 100 ns.
/// </remarks>
internal static class TarHeader
{
    private const long MaxOctal8 = 0x1FFFFF;
    private const long MaxOctal12 = 0x1FFFFFFFF;

    /// <summary>Headers of <paramref name="entry"/>: 512 bytes, or 1,536 and more with a pax header. A hard link's size is written as 0.</summary>
    public static byte[] Write(ArchiveEntry entry)
    {
        var name = PathText.Encode(entry.Kind == EntryKind.Directory ? $"{entry.Name}/" : entry.Name);
        var link = entry.LinkTarget is null ? [] : PathText.Encode(entry.LinkTarget);
        var size = entry.Kind == EntryKind.File ? entry.Size : 0;
        var pax = PaxRecordsOf(entry, name, link, size);

        var header = new byte[pax.Length == 0 ? TarFormat.BlockLength : (2 * TarFormat.BlockLength) + (int)TarFormat.Padded(pax.Length)];
        var main = header.AsSpan(header.Length - TarFormat.BlockLength);
        Fill(main, name, link, entry, size, TypeOf(entry.Kind));
        if (pax.Length > 0)
        {
            // POSIX asks for a name of its own that does no harm where an old reader unpacks it as a file.
            var paxName = Encoding.ASCII.GetBytes("PaxHeaders/entry");
            Fill(header.AsSpan(0, TarFormat.BlockLength), paxName, [], entry with { Modified = new UnixTime(Math.Max(0, entry.Modified.Seconds), 0), Mode = 0x1A4 }, pax.Length, TarFormat.PaxHeader);
            pax.CopyTo(header, TarFormat.BlockLength);
        }

        return header;
    }

    private static byte TypeOf(EntryKind kind) => kind switch
    {
        EntryKind.File => TarFormat.File,
        EntryKind.Directory => TarFormat.Directory,
        EntryKind.Symlink => TarFormat.Symlink,
        _ => TarFormat.HardLink,
    };

    private static byte[] PaxRecordsOf(ArchiveEntry entry, byte[] name, byte[] link, long size)
    {
        var records = new PaxWriter();
        records.AddText("path", name, TarFormat.NameLength);
        records.AddText("linkpath", link, TarFormat.LinkNameLength);
        records.AddNumberAbove(MaxOctal12, "size", size);
        records.AddNumberAbove(MaxOctal8, "uid", entry.Uid ?? 0);
        records.AddNumberAbove(MaxOctal8, "gid", entry.Gid ?? 0);
        if (entry.Modified.Nanoseconds != 0 || entry.Modified.Seconds is < 0 or > MaxOctal12)
        {
            records.Add("mtime", Encoding.ASCII.GetBytes(PaxTime.Format(entry.Modified)));
        }

        return records.ToArray();
    }

    private static void Fill(Span<byte> block, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, ArchiveEntry entry, long size, byte type)
    {
        Cut(name, TarFormat.NameLength).CopyTo(block[TarFormat.Name..]);
        Cut(link, TarFormat.LinkNameLength).CopyTo(block[TarFormat.LinkName..]);
        Octal(block.Slice(TarFormat.Mode, TarFormat.IdLength), entry.Mode & 0xFFF);
        Octal(block.Slice(TarFormat.Uid, TarFormat.IdLength), (entry.Uid ?? 0) <= MaxOctal8 ? entry.Uid ?? 0 : 0);
        Octal(block.Slice(TarFormat.Gid, TarFormat.IdLength), (entry.Gid ?? 0) <= MaxOctal8 ? entry.Gid ?? 0 : 0);
        Octal(block.Slice(TarFormat.Size, TarFormat.SizeLength), size <= MaxOctal12 ? size : 0);
        Octal(block.Slice(TarFormat.Modified, TarFormat.ModifiedLength), entry.Modified.Seconds is >= 0 and <= MaxOctal12 ? entry.Modified.Seconds : 0);
        block[TarFormat.TypeFlag] = type;
        "ustar\0"u8.CopyTo(block[TarFormat.Magic..]);
        "00"u8.CopyTo(block[TarFormat.Version..]);

        block.Slice(TarFormat.Checksum, TarFormat.ChecksumLength).Fill((byte)' ');
        uint sum = 0;
        foreach (var b in block)
        {
            sum += b;
        }

        // Six octal digits, NUL, space: the layout every writer uses for this one field.
        Octal(block.Slice(TarFormat.Checksum, TarFormat.ChecksumLength - 1), sum);
    }

    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text, int length) => text.Length <= length ? text : text[..length];

    /// <summary>Zero-padded octal digits and a NUL, filling the field.</summary>
    private static void Octal(Span<byte> field, long value)
    {
        field[^1] = 0;
        for (var i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
    }

    /// <summary>Collects pax records: <c>length key=value LF</c>, the length counting itself.</summary>
    private sealed class PaxWriter
    {
        private readonly List<byte> bytes = [];
        private bool isBinary;

        /// <summary>Only when ustar cannot hold the text: too long, or UTF-8 beyond ASCII (ustar names no character set).</summary>
        public void AddText(string key, byte[] text, int room)
        {
            var isUtf8 = System.Text.Unicode.Utf8.IsValid(text);
            if (text.Length <= room && (!isUtf8 || Ascii.IsValid(text)))
            {
                return;
            }

            if (!isUtf8 && !isBinary)
            {
                Add("hdrcharset", "BINARY"u8);
                isBinary = true;
            }

            Add(key, text);
        }

        public void AddNumberAbove(long max, string key, long value)
        {
            if (value > max)
            {
                Add(key, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
            }
        }

        public void Add(string key, ReadOnlySpan<byte> value)
        {
            var rest = key.Length + value.Length + 3;
            var length = rest + 1;
            while (length != rest + Digits(length))
            {
                length = rest + Digits(length);
            }

            bytes.AddRange(Encoding.ASCII.GetBytes($"{length.ToString(CultureInfo.InvariantCulture)} {key}="));
            bytes.AddRange(value);
            bytes.Add((byte)'\n');
        }

        public byte[] ToArray() => bytes.ToArray();

        private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;
    }
}
