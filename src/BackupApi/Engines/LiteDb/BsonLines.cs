using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace BackupApi.Engines.LiteDb;

/// <summary>Writes BSON documents as lines of LiteDB's own extended JSON (<c>{"$oid":…}</c>, <c>{"$date":…}</c>, <c>{"$numberLong":…}</c>), which its JsonSerializer reads back.</summary>
/// <remarks>Documents must have stood <see cref="BsonWalk"/>: lengths and types are not checked again. No recursion.</remarks>
internal sealed class BsonLines(Stream output) : IDisposable
{
    /// <summary>The deepest document of the largest size: seven bytes a level.</summary>
    private const int MaxDepth = PageFormat.MaxDocument / 7;

    private readonly Utf8JsonWriter json = new(output, new JsonWriterOptions { MaxDepth = MaxDepth, SkipValidation = true });
    private readonly Stack<(int End, bool IsArray)> open = new();

    /// <summary>Lines written so far.</summary>
    public long Count { get; private set; }

    public void Write(ReadOnlySpan<byte> bson)
    {
        Count++;
        var at = 4;
        Begin(bson.Length, isArray: false);
        while (open.TryPeek(out var level))
        {
            if (at >= level.End - 1)
            {
                at = level.End;
                open.Pop();
                End(level.IsArray);
                continue;
            }

            Element(bson, ref at, level.IsArray);
        }

        json.Flush();
        output.WriteByte((byte)'\n');
        json.Reset();
    }

    public void Dispose()
    {
        json.Dispose();
        output.Dispose();
    }

    private void Begin(int end, bool isArray)
    {
        open.Push((end, isArray));
        if (isArray)
        {
            json.WriteStartArray();
        }
        else
        {
            json.WriteStartObject();
        }
    }

    private void End(bool isArray)
    {
        if (isArray)
        {
            json.WriteEndArray();
        }
        else
        {
            json.WriteEndObject();
        }
    }

    private void Element(ReadOnlySpan<byte> bson, ref int at, bool isInArray)
    {
        var type = bson[at++];
        var nameLength = bson[at..].IndexOf((byte)0);
        if (!isInArray)
        {
            json.WritePropertyName(Encoding.UTF8.GetString(bson.Slice(at, nameLength)));
        }

        at += nameLength + 1;
        var value = bson[at..];
        if (type is BsonType.Document or BsonType.Array)
        {
            Begin(at + BinaryPrimitives.ReadInt32LittleEndian(value), type == BsonType.Array);
            at += 4;
            return;
        }

        at += Scalar(type, value);
    }

    /// <summary>Writes a value and gives its length.</summary>
    private int Scalar(byte type, ReadOnlySpan<byte> value)
    {
        switch (type)
        {
            case BsonType.Null:
                json.WriteNullValue();
                return 0;
            case BsonType.MinKey or BsonType.MaxKey:
                Wrapped(type == BsonType.MinKey ? "$minValue" : "$maxValue", "1");
                return 0;
            case BsonType.Boolean:
                json.WriteBooleanValue(value[0] != 0);
                return 1;
            case BsonType.Int32:
                json.WriteNumberValue(BinaryPrimitives.ReadInt32LittleEndian(value));
                return 4;
            case BsonType.Int64:
                Wrapped("$numberLong", BinaryPrimitives.ReadInt64LittleEndian(value).ToString(CultureInfo.InvariantCulture));
                return 8;
            case BsonType.Double:
                Double(BinaryPrimitives.ReadDoubleLittleEndian(value));
                return 8;
            case BsonType.ObjectId:
                Wrapped("$oid", Convert.ToHexStringLower(value[..12]));
                return 12;
            case BsonType.DateTime:
                Wrapped("$date", DateTime.UnixEpoch.AddMilliseconds(Math.Min(BinaryPrimitives.ReadInt64LittleEndian(value), LastMillisecond)).ToString("O", CultureInfo.InvariantCulture));
                return 8;
            case BsonType.Decimal:
                Wrapped("$numberDecimal", new decimal([Word(value, 0), Word(value, 1), Word(value, 2), Word(value, 3)]).ToString(CultureInfo.InvariantCulture));
                return 16;
            case BsonType.String:
                var textLength = BinaryPrimitives.ReadInt32LittleEndian(value);
                json.WriteStringValue(Encoding.UTF8.GetString(value.Slice(4, textLength - 1)));
                return 4 + textLength;
            default:
                return Binary(value);
        }
    }

    /// <summary>9999-12-31T23:59:59.999Z: LiteDB stores the last instant as the millisecond after it.</summary>
    private const long LastMillisecond = 253402300799999;

    private int Binary(ReadOnlySpan<byte> value)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(value);
        var bytes = value.Slice(5, length);
        if (value[4] == BsonType.GuidSubtype)
        {
            Wrapped("$guid", new Guid(bytes).ToString());
        }
        else
        {
            Wrapped("$binary", Convert.ToBase64String(bytes));
        }

        return 5 + length;
    }

    private void Double(double number)
    {
        if (double.IsFinite(number))
        {
            json.WriteNumberValue(number);
        }
        else
        {
            Wrapped("$numberDouble", number.ToString(CultureInfo.InvariantCulture));
        }
    }

    private void Wrapped(string kind, string text)
    {
        json.WriteStartObject();
        json.WriteString(kind, text);
        json.WriteEndObject();
    }

    private static int Word(ReadOnlySpan<byte> value, int index) => BinaryPrimitives.ReadInt32LittleEndian(value[(4 * index)..]);
}
