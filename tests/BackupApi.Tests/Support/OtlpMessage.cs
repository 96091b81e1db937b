using System.Buffers.Binary;
using System.Text;

namespace BackupApi.Tests.Support;

/// <summary>A message of Protocol Buffers (protobuf.dev/programming-guides/encoding), read without its schema: fields by number.</summary>
internal sealed class OtlpMessage
{
    private readonly List<(int Field, object Value)> fields = [];

    public OtlpMessage(ReadOnlyMemory<byte> bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var tag = Varint(bytes.Span, ref at);
            var field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    fields.Add((field, (long)Varint(bytes.Span, ref at)));
                    break;
                case 1:
                    fields.Add((field, BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[at..])));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(bytes.Span, ref at);
                    fields.Add((field, bytes.Slice(at, length)));
                    at += length;
                    break;
                case 5:
                    fields.Add((field, (long)BinaryPrimitives.ReadInt32LittleEndian(bytes.Span[at..])));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"Wire type {tag & 7} at {at}.");
            }
        }
    }

    public IEnumerable<OtlpMessage> Messages(params int[] path) => path.Length == 0 ? [this] : Of<ReadOnlyMemory<byte>>(path[0]).SelectMany(bytes => new OtlpMessage(bytes).Messages(path[1..]));

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

    public byte[] Bytes(int field) => [.. Of<ReadOnlyMemory<byte>>(field).LastOrDefault().Span];

    public long Number(int field) => Of<long>(field).LastOrDefault();

    public double Real(int field) => BitConverter.Int64BitsToDouble(Number(field));

    public double[] Reals(int field) => [.. Bytes(field).Chunk(8).Select(eight => BitConverter.ToDouble(eight))];

    /// <summary>Attributes: each a KeyValue whose AnyValue is a text (1) or a whole number (3).</summary>
    public Dictionary<string, string> Attributes(int field) => Messages(field).ToDictionary(
        pair => pair.Text(1),
        pair => pair.Messages(2).Single() is var value && value.Text(1) is { Length: > 0 } text ? text : value.Number(3).ToString(System.Globalization.CultureInfo.InvariantCulture),
        StringComparer.Ordinal);

    private IEnumerable<T> Of<T>(int field) => fields.Where(f => f.Field == field).Select(f => f.Value).OfType<T>();

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var b = bytes[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
    }
}
