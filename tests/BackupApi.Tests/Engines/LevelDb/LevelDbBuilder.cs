using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>An entry of a table or a batch; a null value is a deletion.</summary>
internal sealed record Entry(string Key, ulong Sequence, string? Value = "v");

/// <summary>What a MANIFEST says of a table.</summary>
internal sealed record TableFacts(int Level, ulong Number, long Size, byte[] Smallest, byte[] Largest);

/// <summary>Writes LevelDB files from the format's description, independently of the reader under test, and so that each part can be made wrong.</summary>
internal sealed class LevelDbBuilder
{
    private readonly string folder;
    private readonly List<TableFacts> tables = [];

    public LevelDbBuilder(string folder) => this.folder = Directory.CreateDirectory(folder).FullName;

    public string Comparator { get; set; } = "leveldb.BytewiseComparator";

    public ulong LogNumber { get; set; } = 90;

    public ulong NextFile { get; set; } = 100;

    public ulong LastSequence { get; set; } = 1000;

    /// <summary>Bytes put behind the fields of the MANIFEST's record.</summary>
    public byte[] MoreFields { get; set; } = [];

    public string Extension { get; set; } = ".ldb";

    public static byte[] InternalKey(Entry entry) => [.. Encoding.UTF8.GetBytes(entry.Key), .. Fixed64((entry.Sequence << 8) | (entry.Value is null ? 0UL : 1UL))];

    /// <summary>Writes a table of one data block for each of <paramref name="blocks"/> and lists it.</summary>
    /// <param name="type">Compression type in each data block's trailer, whatever its bytes are.</param>
    public TableFacts Table(int level, ulong number, Entry[][] blocks, byte type = 0, Func<byte[], byte[]>? encode = null)
    {
        var file = new MemoryStream();
        var index = new List<(byte[], byte[])>();
        foreach (var block in blocks)
        {
            var content = Block([.. block.Select(entry => (InternalKey(entry), Encoding.UTF8.GetBytes(entry.Value ?? "")))]);
            index.Add((InternalKey(block[^1]), WriteBlock(file, encode is null ? content : encode(content), type)));
        }

        var metaindex = WriteBlock(file, Block([]), 0);
        var indexHandle = WriteBlock(file, Block([.. index]), 0);
        byte[] handles = [.. metaindex, .. indexHandle];
        Array.Resize(ref handles, 40);
        file.Write([.. handles, 0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]);
        File.WriteAllBytes(PathOf(number, Extension), file.ToArray());
        return List(new TableFacts(level, number, file.Length, InternalKey(blocks[0][0]), InternalKey(blocks[^1][^1])));
    }

    /// <summary>Lists a table without writing it.</summary>
    public TableFacts List(TableFacts table)
    {
        tables.Add(table);
        return table;
    }

    /// <summary>Lists it no more: its file becomes an orphan.</summary>
    public void Forget(TableFacts table) => tables.Remove(table);

    public string Log(ulong number, params byte[][] records)
    {
        File.WriteAllBytes(PathOf(number, ".log"), LogFile(records));
        return PathOf(number, ".log");
    }

    /// <summary>A batch whose sequence number is that of its first entry.</summary>
    public static byte[] Batch(params Entry[] entries)
    {
        var batch = new MemoryStream();
        batch.Write(Fixed64(entries[0].Sequence));
        batch.Write(BitConverter.GetBytes(entries.Length));
        foreach (var entry in entries)
        {
            batch.WriteByte(entry.Value is null ? (byte)0 : (byte)1);
            batch.Write(Text(entry.Key));
            batch.Write(entry.Value is null ? [] : Text(entry.Value));
        }

        return batch.ToArray();
    }

    /// <summary>Writes MANIFEST-000002 and CURRENT.</summary>
    public void Finish()
    {
        var edit = new MemoryStream();
        edit.Write([1, .. Text(Comparator), 2, .. Varint(LogNumber), 9, 0, 3, .. Varint(NextFile), 4, .. Varint(LastSequence)]);
        foreach (var table in tables)
        {
            edit.Write([7, (byte)table.Level, .. Varint(table.Number), .. Varint((ulong)table.Size), .. Varint((ulong)table.Smallest.Length), .. table.Smallest, .. Varint((ulong)table.Largest.Length), .. table.Largest]);
        }

        edit.Write(MoreFields);
        File.WriteAllBytes(Path.Combine(folder, "MANIFEST-000002"), LogFile([edit.ToArray()]));
        File.WriteAllText(Path.Combine(folder, "CURRENT"), "MANIFEST-000002\n");
        File.WriteAllBytes(Path.Combine(folder, "LOCK"), []);
    }

    /// <summary>A file of log records: blocks of 32768 bytes, records cut at their edges.</summary>
    public static byte[] LogFile(IEnumerable<byte[]> records)
    {
        var file = new MemoryStream();
        foreach (var record in records)
        {
            var done = 0;
            do
            {
                var room = 32768 - (int)(file.Length % 32768);
                if (room < 7)
                {
                    file.Write(new byte[room]);
                    room = 32768;
                }

                var part = record.AsSpan(done, Math.Min(room - 7, record.Length - done));
                var (isFirst, isLast) = (done == 0, done + part.Length == record.Length);
                byte[] body = [isFirst ? (isLast ? (byte)1 : (byte)2) : (isLast ? (byte)4 : (byte)3), .. part];
                file.Write([.. BitConverter.GetBytes(Mask(Crc(body))), .. BitConverter.GetBytes((ushort)part.Length), .. body]);
                done += part.Length;
            }
            while (done < record.Length);
        }

        return file.ToArray();
    }

    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        return [.. bytes, (byte)value];
    }

    /// <summary>The CRC-32C that LevelDB stores: bit by bit, so that it shares nothing with the reader's.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }

    public static uint Mask(uint crc) => ((crc >> 15) | (crc << 17)) + 0xA282EAD8;

    private static byte[] WriteBlock(MemoryStream file, byte[] content, byte type)
    {
        byte[] handle = [.. Varint((ulong)file.Length), .. Varint((ulong)content.Length)];
        byte[] stored = [.. content, type];
        file.Write(stored);
        file.Write(BitConverter.GetBytes(Mask(Crc(stored))));
        return handle;
    }

    /// <summary>A block whose every entry is a restart point.</summary>
    private static byte[] Block((byte[] Key, byte[] Value)[] entries)
    {
        var block = new MemoryStream();
        var restarts = new List<byte>();
        foreach (var (key, value) in entries)
        {
            restarts.AddRange(BitConverter.GetBytes((uint)block.Length));
            block.Write([0, .. Varint((ulong)key.Length), .. Varint((ulong)value.Length), .. key, .. value]);
        }

        byte[] points = restarts.Count == 0 ? [0, 0, 0, 0] : [.. restarts];
        block.Write([.. points, .. BitConverter.GetBytes(points.Length / 4)]);
        return block.ToArray();
    }

    private static byte[] Text(string text) => [.. Varint((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Fixed64(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    private string PathOf(ulong number, string extension) => Path.Combine(folder, number.ToString("D6", CultureInfo.InvariantCulture) + extension);
}
