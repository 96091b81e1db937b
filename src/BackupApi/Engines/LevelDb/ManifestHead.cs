using System.Buffers.Binary;

namespace BackupApi.Engines.LevelDb;

/// <summary>Judges a MANIFEST by its first bytes: the first record names the comparator.</summary>
internal static class ManifestHead
{
    internal enum Kind
    {
        Unknown,
        LevelDb,
        RocksDb,
    }

    private const byte Full = 1, First = 2;
    private const int MaxComparatorBytes = 1024;

    public static Kind Judge(ReadOnlySpan<byte> head)
    {
        if (head.Length < LogReader.HeaderBytes || head[6] is not (Full or First))
        {
            return Kind.Unknown;
        }

        int payload = BinaryPrimitives.ReadUInt16LittleEndian(head[4..]);
        var body = head[LogReader.HeaderBytes..];
        if (payload > body.Length || head[6] == First)
        {
            // Longer than what was read: the comparator's name must do.
            var cursor = new ByteCursor(body);
            return cursor.TryVarint32(out var tag) && tag == 1 && cursor.TryString(out var name) && name.Length <= MaxComparatorBytes && !name.ContainsAnyExceptInRange((byte)' ', (byte)'~')
                ? Kind.LevelDb
                : Kind.Unknown;
        }

        if (Crc32C.Masked(head.Slice(6, 1 + payload)) != BinaryPrimitives.ReadUInt32LittleEndian(head))
        {
            return Kind.Unknown;
        }

        var state = new ManifestState();
        var problem = state.Apply(body[..payload]);
        return state.IsRocksDb ? Kind.RocksDb : problem is null || state.Comparator is not null ? Kind.LevelDb : Kind.Unknown;
    }
}
