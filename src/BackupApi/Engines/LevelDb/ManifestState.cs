using System.Text;

namespace BackupApi.Engines.LevelDb;

/// <summary>A table the MANIFEST calls live.</summary>
internal sealed record LiveTable(int Level, ulong Number, ulong Size, byte[] Smallest, byte[] Largest);

/// <summary>What a MANIFEST says after the records applied so far (db/version_edit.cc, db/version_set.cc).</summary>
internal sealed class ManifestState
{
    public const string BytewiseComparator = "leveldb.BytewiseComparator";
    public const int Levels = 7;

    /// <summary>400 GB at the engine's usual table size; bounds the memory a hostile MANIFEST can ask for.</summary>
    public const int MaxTables = 200_000;

    private const uint TagComparator = 1, TagLogNumber = 2, TagNextFile = 3, TagLastSequence = 4, TagCompactPointer = 5, TagDeletedFile = 6, TagNewFile = 7, TagPrevLog = 9;

    private readonly Dictionary<(int Level, ulong Number), LiveTable> live = [];

    public string? Comparator { get; private set; }

    public ulong? LogNumber { get; private set; }

    public ulong PrevLogNumber { get; private set; }

    public ulong? NextFileNumber { get; private set; }

    public ulong? LastSequence { get; private set; }

    public IReadOnlyCollection<LiveTable> Live => live.Values;

    /// <summary>True when a record holds tags that only RocksDB writes.</summary>
    public bool IsRocksDb { get; private set; }

    public bool IsComplete => LogNumber is not null && NextFileNumber is not null && LastSequence is not null;

    /// <summary>True for a log that recovery would replay.</summary>
    public bool IsLiveLog(ulong number) => number >= LogNumber || (PrevLogNumber != 0 && number == PrevLogNumber);

    /// <summary>Applies one record.</summary>
    /// <returns>What is wrong with it, or null. A record in error may have been applied in part.</returns>
    public string? Apply(ReadOnlySpan<byte> record)
    {
        var cursor = new ByteCursor(record);
        var deleted = new List<(int, ulong)>();
        var added = new List<LiveTable>();
        while (cursor.Left > 0)
        {
            if (!cursor.TryVarint32(out var tag))
            {
                return "A record ends inside a tag";
            }

            if (tag is (>= 100 and <= 103) or (>= 200 and < 300) or >= 8192)
            {
                IsRocksDb = true;
                return "A record holds tags of RocksDB";
            }

            if (tag is 0 or 8 or > TagPrevLog)
            {
                return $"A record holds the unknown tag {tag}";
            }

            if (!TryField(tag, ref cursor, deleted, added))
            {
                return $"The field with tag {tag} is malformed";
            }
        }

        foreach (var file in deleted)
        {
            live.Remove(file);
        }

        foreach (var table in added)
        {
            live[(table.Level, table.Number)] = table;
        }

        return live.Count > MaxTables ? $"More than {MaxTables} live tables" : null;
    }

    private bool TryField(uint tag, ref ByteCursor cursor, List<(int, ulong)> deleted, List<LiveTable> added)
    {
        switch (tag)
        {
            case TagComparator:
                if (!cursor.TryString(out var name) || name.Length > 1024)
                {
                    return false;
                }

                Comparator = Encoding.Latin1.GetString(name);
                return true;
            case TagCompactPointer:
                return TryLevel(ref cursor, out _) && TryKey(ref cursor, out _);
            case TagDeletedFile:
                if (!TryLevel(ref cursor, out var level) || !cursor.TryVarint64(out var number))
                {
                    return false;
                }

                deleted.Add((level, number));
                return true;
            case TagNewFile:
                if (!TryLevel(ref cursor, out level) || !cursor.TryVarint64(out number) || !cursor.TryVarint64(out var size)
                    || !TryKey(ref cursor, out var smallest) || !TryKey(ref cursor, out var largest))
                {
                    return false;
                }

                added.Add(new LiveTable(level, number, size, smallest.ToArray(), largest.ToArray()));
                return added.Count <= MaxTables;
            default:
                return TryNumber(tag, ref cursor);
        }
    }

    private bool TryNumber(uint tag, ref ByteCursor cursor)
    {
        if (!cursor.TryVarint64(out var value))
        {
            return false;
        }

        switch (tag)
        {
            case TagLogNumber:
                LogNumber = value;
                break;
            case TagNextFile:
                NextFileNumber = value;
                break;
            case TagLastSequence:
                LastSequence = value;
                break;
            default:
                PrevLogNumber = value;
                break;
        }

        return true;
    }

    private static bool TryLevel(ref ByteCursor cursor, out int level)
    {
        var possible = cursor.TryVarint32(out var value);
        level = (int)value;
        return possible && value < Levels;
    }

    private static bool TryKey(ref ByteCursor cursor, out ReadOnlySpan<byte> key) => cursor.TryString(out key) && key.Length >= InternalKey.TagBytes;
}
