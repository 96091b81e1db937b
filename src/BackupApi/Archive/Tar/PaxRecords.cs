using System.Globalization;
using System.Text;
using BackupApi.Files;

namespace BackupApi.Archive.Tar;

/// <summary>The records of an untrusted pax extended header that this reader acts on; the others are skipped.</summary>
internal sealed class PaxRecords
{
    private const string SparsePrefix = "GNU.sparse.";

    /// <summary>The keys that this reader acts on. No others are kept: headers may follow each other without end, each with keys of its own.</summary>
    private static readonly HashSet<string> Known = new(["path", "linkpath", "size", "uid", "gid", "mtime"], StringComparer.Ordinal);

    private readonly Dictionary<string, byte[]> values = new(StringComparer.Ordinal);

    /// <summary>GNU.sparse.* of any version: content is packed, so its size and name are not what they seem.</summary>
    public bool IsSparse { get; private set; }

    /// <summary>Parses <c>length key=value LF</c> records; later ones win. False when the bytes are not that.</summary>
    public bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var space = bytes.IndexOf((byte)' ');
            if (space is < 1 or > 10
                || !int.TryParse(Encoding.ASCII.GetString(bytes[..space]), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 2 || length > bytes.Length || bytes[length - 1] != (byte)'\n')
            {
                return false;
            }

            var record = bytes[(space + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 1)
            {
                return false;
            }

            var key = Encoding.UTF8.GetString(record[..equals]);
            IsSparse |= key.StartsWith(SparsePrefix, StringComparison.Ordinal);
            if (Known.Contains(key))
            {
                values[key] = record[(equals + 1)..].ToArray();
            }

            bytes = bytes[length..];
        }

        return true;
    }

    /// <summary>Records of <paramref name="other"/> apply where this has none of its own.</summary>
    public void TakeDefaultsFrom(PaxRecords other)
    {
        IsSparse |= other.IsSparse;
        foreach (var (key, value) in other.values)
        {
            values.TryAdd(key, value);
        }
    }

    /// <summary>An empty value removes the record, as POSIX says.</summary>
    public string? Text(string key) => values.TryGetValue(key, out var value) && value.Length > 0 ? PathText.Decode(value) : null;

    public bool Has(string key) => Text(key) is not null;
}
