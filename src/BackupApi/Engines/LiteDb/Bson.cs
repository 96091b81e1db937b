using System.Buffers.Binary;
using System.Text;

namespace BackupApi.Engines.LiteDb;

/// <summary>Type bytes of LiteDB's BSON (BufferReader.cs); anything else makes the engine throw.</summary>
internal static class BsonType
{
    public const byte Double = 0x01;
    public const byte String = 0x02;
    public const byte Document = 0x03;
    public const byte Array = 0x04;
    public const byte Binary = 0x05;
    public const byte ObjectId = 0x07;
    public const byte Boolean = 0x08;
    public const byte DateTime = 0x09;
    public const byte Null = 0x0A;
    public const byte Int32 = 0x10;
    public const byte Int64 = 0x12;

    /// <summary>.NET decimal: four int32, not IEEE decimal128.</summary>
    public const byte Decimal = 0x13;
    public const byte MaxKey = 0x7F;
    public const byte MinKey = 0xFF;

    public const byte GuidSubtype = 0x04;
}

/// <summary>Walks a BSON document to its last byte; no recursion, so depth costs four bytes a level.</summary>
internal sealed class BsonWalk
{
    private const long MinMilliseconds = -62135596800000;
    private const long MaxMilliseconds = 253402300800000;

    private readonly Stack<int> ends = new();

    /// <summary>Type of the top-level <c>_id</c>; 0 when there was none.</summary>
    public byte IdType { get; private set; }

    /// <summary>Where the value of <c>_id</c> lies in the document that was walked.</summary>
    public Range IdValue { get; private set; }

    /// <summary>Null when the document is whole, or what is wrong with it. <paramref name="bytes"/> begins with its length and ends where it ends.</summary>
    public string? Walk(ReadOnlySpan<byte> bytes)
    {
        ends.Clear();
        IdType = 0;
        IdValue = default;
        if (bytes.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(bytes) != bytes.Length)
        {
            return "its length is not the one it states";
        }

        var (at, end) = (4, bytes.Length - 1);
        while (true)
        {
            if (at == end)
            {
                if (bytes[at++] != 0)
                {
                    return $"no closing zero at offset {at - 1}";
                }

                if (!ends.TryPop(out end))
                {
                    return null;
                }

                continue;
            }

            if (Element(bytes, ref at, ref end) is { } wrong)
            {
                return wrong;
            }
        }
    }

    private string? Element(ReadOnlySpan<byte> bytes, ref int at, ref int end)
    {
        var begin = at;
        var type = bytes[at++];
        var nameLength = bytes[at..end].IndexOf((byte)0);
        if (nameLength < 0)
        {
            return $"a name without an end at offset {begin}";
        }

        var isId = ends.Count == 0 && Ascii.EqualsIgnoreCase(bytes.Slice(at, nameLength), "_id"u8);
        at += nameLength + 1;
        var length = ValueLength(type, bytes[at..end]);
        if (length < 0 || length > end - at)
        {
            return length == UnknownType ? $"unknown type 0x{type:X2} at offset {begin}" : $"a value of type 0x{type:X2} at offset {begin} is not whole";
        }

        if (isId && IdType == 0)
        {
            IdType = type;
            IdValue = at..(at + length);
        }

        if (type is BsonType.Document or BsonType.Array)
        {
            ends.Push(end);
            end = at + length - 1;
            at += 4;
        }
        else
        {
            at += length;
        }

        return null;
    }

    private const int Broken = -1;
    private const int UnknownType = -2;

    private static int ValueLength(byte type, ReadOnlySpan<byte> value) => type switch
    {
        BsonType.Null or BsonType.MinKey or BsonType.MaxKey => 0,
        BsonType.Boolean => 1,
        BsonType.Int32 => 4,
        BsonType.Double or BsonType.Int64 => 8,
        BsonType.ObjectId => 12,
        BsonType.DateTime => IsDate(value) ? 8 : Broken,
        BsonType.Decimal => IsDecimal(value) ? 16 : Broken,
        BsonType.String => StringLength(value),
        BsonType.Binary => BinaryLength(value),
        BsonType.Document or BsonType.Array => Stated(value, 0) is var length and >= 5 ? length : Broken,
        _ => UnknownType,
    };

    private static bool IsDate(ReadOnlySpan<byte> value) =>
        value.Length >= 8 && BinaryPrimitives.ReadInt64LittleEndian(value) is >= MinMilliseconds and <= MaxMilliseconds;

    /// <summary>Scale 0 to 28 in bits 16 to 23 of the last word, sign in bit 31, nothing else: what the decimal constructor accepts.</summary>
    public static bool IsDecimal(ReadOnlySpan<byte> value) =>
        value.Length >= 16 && BinaryPrimitives.ReadUInt32LittleEndian(value[12..]) is var flags && (flags & ~0x80FF0000) == 0 && ((flags >> 16) & 0xFF) <= 28;

    private static int StringLength(ReadOnlySpan<byte> value)
    {
        var length = Stated(value, 4);
        return length > 4 && length <= value.Length && value[length - 1] == 0 ? length : Broken;
    }

    private static int BinaryLength(ReadOnlySpan<byte> value)
    {
        var length = Stated(value, 5);
        return length >= 5 && length <= value.Length && (value[4] == 0 || (value[4] == BsonType.GuidSubtype && length == 5 + 16)) ? length : Broken;
    }

    /// <summary>The int32 at the start plus <paramref name="extra"/>; negative when it is not there or absurd.</summary>
    private static int Stated(ReadOnlySpan<byte> value, int extra)
    {
        if (value.Length < 4)
        {
            return Broken;
        }

        var stated = BinaryPrimitives.ReadInt32LittleEndian(value);
        return stated < 0 || stated > PageFormat.MaxDocument ? Broken : stated + extra;
    }
}
