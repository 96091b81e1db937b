using System.Buffers.Binary;

namespace BackupApi.Engines.LiteDb;

/// <summary>What two neighbours of an index tell about its order.</summary>
internal enum KeyRelation
{
    /// <summary>In order, or of a kind whose order depends on culture or version and is not judged.</summary>
    Fine,

    /// <summary>The same bytes.</summary>
    Equal,

    /// <summary>Out of order in a way that a time zone, a conversion or another collation might explain.</summary>
    Doubtful,

    Reversed,
}

/// <summary>Order of keys as BsonValue.CompareTo has it, as far as it is the same for every version and culture.</summary>
/// <remarks>
/// Strings are doubtful at most: their order depends on the collation and on the ICU version of the machine that wrote them.
/// Binaries, documents and arrays are not judged.
/// </remarks>
internal static class KeyOrder
{
    /// <summary>Times compared as local ones may be off by the largest change of an offset.</summary>
    private const long DoubtfulTicks = 26 * TimeSpan.TicksPerHour;

    public static KeyRelation Compare(IndexKey left, IndexKey right, Collation collation)
    {
        if (left.Type != right.Type)
        {
            return IsNumber(left.Type) && IsNumber(right.Type) ? CompareMixed(left, right)
                : left.Type < right.Type ? KeyRelation.Fine : KeyRelation.Reversed;
        }

        if (left.Value.SequenceEqual(right.Value))
        {
            return KeyRelation.Equal;
        }

        return left.Type switch
        {
            IndexKey.Int32 => Of(BinaryPrimitives.ReadInt32LittleEndian(left.Value).CompareTo(BinaryPrimitives.ReadInt32LittleEndian(right.Value))),
            IndexKey.Int64 => Of(BinaryPrimitives.ReadInt64LittleEndian(left.Value).CompareTo(BinaryPrimitives.ReadInt64LittleEndian(right.Value))),
            IndexKey.Double => Of(BinaryPrimitives.ReadDoubleLittleEndian(left.Value).CompareTo(BinaryPrimitives.ReadDoubleLittleEndian(right.Value))),
            IndexKey.Decimal => Of(ToDecimal(left.Value).CompareTo(ToDecimal(right.Value))),
            IndexKey.String => collation.IsReversed(left.Value, right.Value) ? KeyRelation.Doubtful : KeyRelation.Fine,
            IndexKey.Guid => Of(new Guid(left.Value).CompareTo(new Guid(right.Value))),
            IndexKey.ObjectId => Of(CompareObjectIds(left.Value, right.Value)),
            IndexKey.Boolean => Of(left.Value[0].CompareTo(right.Value[0])),
            IndexKey.DateTime => CompareDates(BinaryPrimitives.ReadInt64LittleEndian(left.Value), BinaryPrimitives.ReadInt64LittleEndian(right.Value)),
            _ => KeyRelation.Fine,
        };
    }

    private static KeyRelation Of(int order) => order <= 0 ? KeyRelation.Fine : KeyRelation.Reversed;

    private static bool IsNumber(byte type) => type is >= IndexKey.Int32 and <= IndexKey.Decimal;

    /// <summary>The engine compares numbers of different types as decimals, which rounds doubles: only a clear difference counts, and as a doubt.</summary>
    private static KeyRelation CompareMixed(IndexKey left, IndexKey right)
    {
        var (l, r) = (ToDouble(left), ToDouble(right));
        return l > r && l - r > 1e-9 * Math.Max(Math.Abs(l), Math.Abs(r)) ? KeyRelation.Doubtful : KeyRelation.Fine;
    }

    private static KeyRelation CompareDates(long left, long right) =>
        left <= right ? KeyRelation.Fine : left - right <= DoubtfulTicks ? KeyRelation.Doubtful : KeyRelation.Reversed;

    /// <summary>ObjectId.CompareTo: timestamp (signed), machine, process id (a signed 16-bit), increment; all big-endian.</summary>
    private static int CompareObjectIds(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var order = BinaryPrimitives.ReadInt32BigEndian(left).CompareTo(BinaryPrimitives.ReadInt32BigEndian(right));
        order = order != 0 ? order : left[4..7].SequenceCompareTo(right[4..7]);
        order = order != 0 ? order : BinaryPrimitives.ReadInt16BigEndian(left[7..]).CompareTo(BinaryPrimitives.ReadInt16BigEndian(right[7..]));
        return order != 0 ? order : left[9..].SequenceCompareTo(right[9..]);
    }

    private static double ToDouble(IndexKey key) => key.Type switch
    {
        IndexKey.Int32 => BinaryPrimitives.ReadInt32LittleEndian(key.Value),
        IndexKey.Int64 => BinaryPrimitives.ReadInt64LittleEndian(key.Value),
        IndexKey.Double => BinaryPrimitives.ReadDoubleLittleEndian(key.Value),
        _ => (double)ToDecimal(key.Value),
    };

    private static decimal ToDecimal(ReadOnlySpan<byte> value)
    {
        Span<int> parts = stackalloc int[4];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = BinaryPrimitives.ReadInt32LittleEndian(value[(4 * i)..]);
        }

        return new decimal(parts);
    }
}
