namespace BackupApi.Engines.LevelDb;

/// <summary>Counts keys by key space, the convention by which applications divide one LevelDB: a name, a separator, the rest.</summary>
/// <remarks>
/// <c>doc/0001</c>, <c>doc:0001</c> and the like count under <c>doc</c>; the sublevel key <c>!doc!0001</c> of abstract-level too.
/// A key without such a name counts under <c>(keys)</c>. Names behind the first 64 count under <c>(other)</c>.
/// </remarks>
internal sealed class KeySpaces
{
    public const string NoSpace = "(keys)";
    public const string Other = "(other)";

    private const int MaxSpaces = 64;
    private const int MaxNameBytes = 48;
    private const byte SublevelMark = (byte)'!';

    private readonly SortedDictionary<string, long> counts = new(StringComparer.Ordinal);
    private byte[] lastName = [];
    private string lastSpace = NoSpace;
    private long lastCount;

    public IReadOnlyDictionary<string, long> Counts
    {
        get
        {
            Flush();
            return counts;
        }
    }

    public void Add(ReadOnlySpan<byte> key)
    {
        var name = NameIn(key);
        if (!name.SequenceEqual(lastName))
        {
            Flush();
            lastName = name.ToArray();
            var space = name.IsEmpty ? NoSpace : System.Text.Encoding.ASCII.GetString(name);
            lastSpace = name.IsEmpty || counts.Count < MaxSpaces || counts.ContainsKey(space) ? space : Other;
        }

        lastCount++;
    }

    private static ReadOnlySpan<byte> NameIn(ReadOnlySpan<byte> key)
    {
        var isSublevel = key.Length > 0 && key[0] == SublevelMark;
        var rest = isSublevel ? key[1..] : key;
        for (var i = 0; i < Math.Min(rest.Length, MaxNameBytes); i++)
        {
            var isEnd = isSublevel ? rest[i] == SublevelMark : rest[i] is (byte)'/' or (byte)':' or SublevelMark or (byte)'#' or (byte)'|' or (byte)'~' or 0;
            if (isEnd)
            {
                return rest[..i];
            }

            if (!char.IsAsciiLetterOrDigit((char)rest[i]) && rest[i] is not ((byte)'_' or (byte)'-' or (byte)'.' or (byte)'$' or (byte)'@'))
            {
                return default;
            }
        }

        return default;
    }

    private void Flush()
    {
        if (lastCount > 0)
        {
            counts[lastSpace] = counts.GetValueOrDefault(lastSpace) + lastCount;
            lastCount = 0;
        }
    }
}
