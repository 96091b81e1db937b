using System.Buffers.Binary;

namespace BackupApi.Engines.LevelDb;

/// <summary>Reads LevelDB's integers and strings from bytes nobody vouches for: every read says whether it was possible.</summary>
internal ref struct ByteCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    public int Position { get; private set; }

    public readonly int Left => bytes.Length - Position;

    public bool TryByte(out byte value)
    {
        value = Left > 0 ? bytes[Position] : default;
        return Skip(1);
    }

    public bool TryFixed32(out uint value)
    {
        value = Left >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[Position..]) : default;
        return Skip(4);
    }

    public bool TryFixed64(out ulong value)
    {
        value = Left >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[Position..]) : default;
        return Skip(8);
    }

    /// <summary>A varint of at most 5 bytes whose value fits 32 bits.</summary>
    public bool TryVarint32(out uint value)
    {
        var possible = TryVarint(5, out var wide);
        value = (uint)wide;
        return possible && wide <= uint.MaxValue;
    }

    /// <summary>A varint of at most 10 bytes.</summary>
    public bool TryVarint64(out ulong value) => TryVarint(10, out value);

    /// <summary>A varint32 length and that many bytes.</summary>
    public bool TryString(out ReadOnlySpan<byte> value)
    {
        value = default;
        return TryVarint32(out var length) && TryTake(length, out value);
    }

    public bool TryTake(uint length, out ReadOnlySpan<byte> value)
    {
        if (length > (uint)Left)
        {
            value = default;
            return false;
        }

        value = bytes.Slice(Position, (int)length);
        Position += (int)length;
        return true;
    }

    private bool TryVarint(int maxBytes, out ulong value)
    {
        value = 0;
        var end = Math.Min(bytes.Length, Position + maxBytes);
        for (var shift = 0; Position < end; shift += 7)
        {
            var next = bytes[Position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private bool Skip(int count)
    {
        var possible = Left >= count;
        Position += possible ? count : 0;
        return possible;
    }
}
