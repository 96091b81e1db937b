using System.Buffers.Binary;

namespace BackupApi.Engines.LiteDb;

/// <summary>The key of an index node (BufferSliceExtensions.WriteIndexKey, ExtendedLengthHelper.cs).</summary>
internal readonly ref struct IndexKey
{
    public const byte MinValue = 0;
    public const byte Null = 1;
    public const byte Int32 = 2;
    public const byte Int64 = 3;
    public const byte Double = 4;
    public const byte Decimal = 5;
    public const byte String = 6;
    public const byte Document = 7;
    public const byte Array = 8;
    public const byte Binary = 9;
    public const byte ObjectId = 10;
    public const byte Guid = 11;
    public const byte Boolean = 12;
    public const byte DateTime = 13;
    public const byte MaxValue = 14;

    private IndexKey(byte type, ReadOnlySpan<byte> value)
    {
        Type = type;
        Value = value;
    }

    public byte Type { get; }

    public ReadOnlySpan<byte> Value { get; }

    /// <summary>Reads a key that must end where <paramref name="bytes"/> ends.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out IndexKey key)
    {
        key = default;
        if (bytes.IsEmpty)
        {
            return false;
        }

        // Strings and binaries carry bits 8 and 9 of their length in the top of the type byte.
        var type = (byte)(bytes[0] & 0x3F);
        var value = bytes[1..];
        if (type is String or Binary)
        {
            if (value.IsEmpty || value.Length - 1 != (((bytes[0] & 0xC0) << 2) | value[0]))
            {
                return false;
            }

            key = new IndexKey(type, value[1..]);
            return true;
        }

        key = new IndexKey(type, value);
        return bytes[0] == type && type switch
        {
            MinValue or MaxValue or Null => value.IsEmpty,
            Int32 => value.Length == 4,
            Int64 or Double => value.Length == 8,
            Decimal => value.Length == 16 && BsonWalk.IsDecimal(value),
            DateTime => value.Length == 8 && (ulong)BinaryPrimitives.ReadInt64LittleEndian(value) <= (ulong)System.DateTime.MaxValue.Ticks,
            ObjectId => value.Length == 12,
            Guid => value.Length == 16,
            Boolean => value.Length == 1,
            Document or Array => value.Length >= 5 && BinaryPrimitives.ReadInt32LittleEndian(value) == value.Length,
            _ => false,
        };
    }

    /// <summary>A fingerprint of the value, the same for a document's <c>_id</c> (see <see cref="HashOfBson"/>) and for its key.</summary>
    public ulong Hash() => Type == DateTime
        ? HashOfDate((BinaryPrimitives.ReadInt64LittleEndian(Value) - System.DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond)
        : SetHash.Of(Type, Value);

    /// <summary>The fingerprint of a BSON value as a key would have it; null for a type that cannot be an <c>_id</c>.</summary>
    public static ulong? HashOfBson(byte type, ReadOnlySpan<byte> value) => type switch
    {
        BsonType.Int32 => SetHash.Of(Int32, value),
        BsonType.Int64 => SetHash.Of(Int64, value),
        BsonType.Double => SetHash.Of(Double, value),
        BsonType.Decimal => SetHash.Of(Decimal, value),
        BsonType.String => SetHash.Of(String, value[4..^1]),
        BsonType.Document => SetHash.Of(Document, value),
        BsonType.Array => SetHash.Of(Array, value),
        BsonType.Binary => value[4] == BsonType.GuidSubtype ? SetHash.Of(Guid, value[5..]) : SetHash.Of(Binary, value[5..]),
        BsonType.ObjectId => SetHash.Of(ObjectId, value),
        BsonType.Boolean => SetHash.Of(Boolean, value),
        BsonType.DateTime => HashOfDate(BinaryPrimitives.ReadInt64LittleEndian(value)),
        _ => null,
    };

    /// <summary>Documents keep milliseconds, keys ticks; the first and last day are one value each, because DateTime.MinValue and MaxValue pass through time zones.</summary>
    private static ulong HashOfDate(long milliseconds)
    {
        const long Day = 86_400_000, First = -62135596800000, Last = 253402300800000;
        var value = milliseconds < First + Day ? First : milliseconds > Last - Day ? Last : milliseconds;
        return SetHash.Of(DateTime, (ulong)value);
    }
}
