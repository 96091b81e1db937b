using BackupApi.Files;

namespace BackupApi.Archive.Tar;

/// <summary>Reads the fields of one untrusted header block.</summary>
internal static class TarBlock
{
    /// <summary>Whether the checksum field matches the block, summed as unsigned or (old Sun tar) signed bytes.</summary>
    public static bool HasRightChecksum(ReadOnlySpan<byte> block)
    {
        long unsigned = 0, signed = 0;
        for (var i = 0; i < TarFormat.BlockLength; i++)
        {
            var b = i is >= TarFormat.Checksum and < TarFormat.Checksum + TarFormat.ChecksumLength ? (byte)' ' : block[i];
            unsigned += b;
            signed += (sbyte)b;
        }

        return TryNumber(block.Slice(TarFormat.Checksum, TarFormat.ChecksumLength), out var stored) && (stored == unsigned || stored == signed);
    }

    /// <summary>A number in octal digits, or in GNU's base-256 (first bit set, two's complement, big-endian). An empty field is 0.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        if ((field[0] & 0x80) != 0)
        {
            return TryBase256(field, out value);
        }

        var text = field;
        while (text.Length > 0 && text[0] is (byte)' ' or 0)
        {
            text = text[1..];
        }

        var digits = 0;
        while (digits < text.Length && text[digits] is >= (byte)'0' and <= (byte)'7')
        {
            value = (value << 3) | (uint)(text[digits] - '0');
            digits++;
        }

        // At most 12 octal digits (36 bits) fit a field, so nothing overflows.
        return !text[digits..].ContainsAnyExcept((byte)' ', (byte)0);
    }

    /// <summary>Bytes up to the first NUL, or the whole field.</summary>
    public static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field) => field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field;

    /// <summary>The name field, with the prefix that POSIX ustar (not GNU, not v7) puts before it.</summary>
    public static string NameOf(ReadOnlySpan<byte> block)
    {
        var name = PathText.Decode(Text(block.Slice(TarFormat.Name, TarFormat.NameLength)));
        var isPosix = block.Slice(TarFormat.Magic, 6).SequenceEqual("ustar\0"u8);
        var prefix = isPosix ? PathText.Decode(Text(block.Slice(TarFormat.Prefix, TarFormat.PrefixLength))) : "";
        return prefix.Length == 0 ? name : $"{prefix}/{name}";
    }

    public static string LinkOf(ReadOnlySpan<byte> block) => PathText.Decode(Text(block.Slice(TarFormat.LinkName, TarFormat.LinkNameLength)));

    private static bool TryBase256(ReadOnlySpan<byte> field, out long value)
    {
        // The top bit is the mark; the next one is the sign.
        value = (field[0] & 0x40) != 0 ? -1 : 0;
        value = (value << 6) | (field[0] & 0x3Fu);
        foreach (var b in field[1..])
        {
            if (value is > (long.MaxValue >> 8) or < (long.MinValue >> 8))
            {
                return false;
            }

            value = (value << 8) | b;
        }

        return true;
    }
}
