using System.Buffers.Binary;

namespace BackupApi.Tests.Engines.LiteDb;

internal sealed partial class TinyOwner
{
    /// <summary>Reads a copy by the description of the format and checks every balance against the ledger. Gives the last move.</summary>
    public long Audit(string dataPath, string? logPath)
    {
        var images = logPath is null ? [] : ConfirmedImages(logPath);
        var balances = new long[blocks.Length];
        var expected = Enumerable.Repeat(Opening, blocks.Length).ToArray();
        var moves = new HashSet<int>();
        using var file = File.OpenHandle(dataPath);
        var count = Math.Max(RandomAccess.GetLength(file) / TinyLite.PageSize, images.Count == 0 ? 0 : images.Keys.Max() + 1);
        var page = new byte[TinyLite.PageSize];
        for (long number = 0; number < count; number++)
        {
            if (!images.TryGetValue((uint)number, out var image))
            {
                _ = RandomAccess.Read(file, page, number * TinyLite.PageSize);
                image = page;
            }

            for (var slot = 0; image[4] == 4 && image[30] != 255 && slot <= image[30]; slot++)
            {
                var block = image.AsSpan(TinyLite.Get16(image, TinyLite.PageSize - (4 * (slot + 1)) + 2));
                var id = BinaryPrimitives.ReadInt32LittleEndian(block[IdAt..]);
                if (TinyLite.Get32(image, 19) == accounts.Page)
                {
                    balances[id] = BinaryPrimitives.ReadInt64LittleEndian(block[BalanceAt..]);
                    continue;
                }

                var amount = BinaryPrimitives.ReadInt64LittleEndian(block[AmountAt..]);
                expected[BinaryPrimitives.ReadInt32LittleEndian(block[FromAt..])] -= amount;
                expected[BinaryPrimitives.ReadInt32LittleEndian(block[ToAt..])] += amount;
                moves.Add(id);
            }
        }

        var last = moves.Count == 0 ? 0 : moves.Max();
        return last == moves.Count && balances.AsSpan().SequenceEqual(expected)
            ? last
            : throw new InvalidDataException($"torn: {moves.Count} moves, the last {last}, balances {(balances.AsSpan().SequenceEqual(expected) ? "agree" : "differ")}");
    }

    private static Dictionary<uint, byte[]> ConfirmedImages(string logPath)
    {
        var bytes = File.ReadAllBytes(logPath);
        var waiting = new Dictionary<uint, List<byte[]>>();
        var current = new Dictionary<uint, byte[]>();
        for (var at = 0; at + TinyLite.PageSize <= bytes.Length; at += TinyLite.PageSize)
        {
            var image = bytes[at..(at + TinyLite.PageSize)];
            var id = TinyLite.Get32(image, 14);
            if (!waiting.TryGetValue(id, out var pages))
            {
                waiting[id] = pages = [];
            }

            pages.Add(image);
            if (image[18] == 1)
            {
                pages.ForEach(page => current[TinyLite.Get32(page, 0)] = page);
            }
        }

        return current;
    }
}
