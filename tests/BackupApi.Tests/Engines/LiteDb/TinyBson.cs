using System.Buffers.Binary;
using System.Text;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Builds BSON documents, and index keys, byte by byte.</summary>
internal sealed class TinyBson
{
    private readonly List<byte> bytes = [0, 0, 0, 0];

    public TinyBson Int32(string name, int value) => Element(0x10, name, BitConverter.GetBytes(value));

    public TinyBson Int64(string name, long value) => Element(0x12, name, BitConverter.GetBytes(value));

    public TinyBson Text(string name, string value)
    {
        var utf8 = Encoding.UTF8.GetBytes(value);
        return Element(0x02, name, [.. BitConverter.GetBytes(utf8.Length + 1), .. utf8, 0]);
    }

    public TinyBson Binary(string name, byte[] value) => Element(0x05, name, [.. BitConverter.GetBytes(value.Length), 0, .. value]);

    public TinyBson Guid(string name, Guid value) => Element(0x05, name, [16, 0, 0, 0, 4, .. value.ToByteArray()]);

    public TinyBson Date(string name, DateTime utc) => Element(0x09, name, BitConverter.GetBytes((utc - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond));

    public TinyBson Document(string name, byte[] document) => Element(0x03, name, document);

    public TinyBson Element(byte type, string name, ReadOnlySpan<byte> value)
    {
        bytes.Add(type);
        bytes.AddRange(Encoding.UTF8.GetBytes(name));
        bytes.Add(0);
        bytes.AddRange(value);
        return this;
    }

    public byte[] ToArray()
    {
        byte[] all = [.. bytes, 0];
        BinaryPrimitives.WriteInt32LittleEndian(all, all.Length);
        return all;
    }
}

/// <summary>A key as an index node stores it, with what sorts it here.</summary>
internal sealed record TinyKey(byte[] Stored, IComparable Order)
{
    public static readonly TinyKey Min = new([0], 0);
    public static readonly TinyKey Max = new([14], 0);

    public static TinyKey Of(int value) => new([2, .. BitConverter.GetBytes(value)], value);

    public static TinyKey Of(long value) => new([3, .. BitConverter.GetBytes(value)], value);

    public static TinyKey Of(Guid value) => new([11, .. value.ToByteArray()], value);

    public static TinyKey Of(DateTime utc) => new([13, .. BitConverter.GetBytes(utc.Ticks)], utc);

    public static TinyKey Of(string value)
    {
        var utf8 = Encoding.UTF8.GetBytes(value);
        return new([(byte)(6 | ((utf8.Length >> 8) << 6)), (byte)utf8.Length, .. utf8], new Ordinal(value));
    }

    private sealed record Ordinal(string Text) : IComparable
    {
        public int CompareTo(object? obj) => string.CompareOrdinal(Text, ((Ordinal)obj!).Text);
    }
}
