using System.Buffers.Binary;
using BackupApi.Files;

namespace BackupApi.Archive.Format;

/// <summary>Builds index bytes: numbers as LEB128 (seven bits a byte, low ones first), signed ones zigzagged, texts with their length before them.</summary>
internal sealed class ByteWriter
{
    private byte[] buffer = new byte[4096];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, Length);

    public void Byte(byte value) => Take(1)[0] = value;

    public void Number(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }

        Byte((byte)value);
    }

    public void Number(long value) => Number((ulong)value);

    public void Signed(long value) => Number((ulong)((value << 1) ^ (value >> 63)));

    public void Fixed32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(sizeof(uint)), value);

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    public void Name(string name)
    {
        var bytes = PathText.Encode(name);
        Number((ulong)bytes.Length);
        Raw(bytes);
    }

    public void Clear() => Length = 0;

    /// <summary>Puts back what was written before.</summary>
    public void Restore(ReadOnlySpan<byte> bytes)
    {
        Clear();
        Raw(bytes);
    }

    private Span<byte> Take(int count)
    {
        if (buffer.Length - Length < count)
        {
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, Length + count));
        }

        Length += count;
        return buffer.AsSpan(Length - count, count);
    }
}

/// <summary>Reads untrusted index bytes. Every way they can be wrong ends in <see cref="FormatException"/>, which never leaves the reader of the index.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;

    public readonly bool IsAtEnd => rest.IsEmpty;

    public readonly int Left => rest.Length;

    public byte Byte() => Raw(1)[0];

    public ulong Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return shift < 63 || b <= 1 ? value : throw new FormatException("A number has too many bits.");
            }
        }

        throw new FormatException("A number has too many bytes.");
    }

    /// <summary>A number that must not exceed <paramref name="max"/>.</summary>
    public long Number(long max) => Number() is var value && value <= (ulong)max ? (long)value : throw new FormatException("A number is out of its range.");

    public long Signed() => Number() is var value ? (long)(value >> 1) ^ -(long)(value & 1) : 0;

    public uint Fixed32() => BinaryPrimitives.ReadUInt32LittleEndian(Raw(sizeof(uint)));

    public ReadOnlySpan<byte> Raw(int count)
    {
        if (count > rest.Length)
        {
            throw new FormatException("The bytes end too early.");
        }

        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    public string Name() => PathText.Decode(Raw((int)Number(EntryName.MaxBytes)));
}
