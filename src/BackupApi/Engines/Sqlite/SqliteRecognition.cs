using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.Sqlite;

/// <summary>Finds SQLite databases in a tree by their first bytes, with the side files that belong to them.</summary>
internal static class SqliteRecognition
{
    /// <summary>Zero bytes: an empty database to SQLite. Only a name, or side files, can say that it is meant as one.</summary>
    public const string Empty = "sqlite empty";

    /// <summary>Noise where a database is expected: SQLCipher, SEE and the like leave nothing readable.</summary>
    public const string Encrypted = "sqlite encrypted?";

    private const int SmallestPage = 512;

    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { ".db", ".db3", ".sqlite", ".sqlite3", ".sqlitedb", ".s3db", ".sl3" };

    private static readonly HashSet<string> EncryptedExtensions = new(Extensions, StringComparer.OrdinalIgnoreCase) { ".sqlcipher" };

    public static IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree, string kind)
    {
        var superJournals = Enumerable.Range(0, tree.Nodes.Count)
            .Where(i => tree.Nodes.KindAt(i) == FileKind.File)
            .Select(tree.Nodes.PathAt)
            .Where(path => path.Length > 12 && SideFiles.IsSuperJournal(path.AsSpan(path.Length - 12)))
            .ToLookup(path => path[..^12], StringComparer.Ordinal);
        foreach (var node in tree.FilesOfInterest().Where(node => isFree(node.Path)))
        {
            var head = tree.ReadHead(node);
            if (node.Stat.Size > 0 && !MayOwn(node, head))
            {
                continue;
            }

            var sides = new[] { SideFiles.Journal, SideFiles.Shm, SideFiles.Wal }
                .Select(suffix => tree.Find(node.Path + suffix))
                .OfType<TreeNode>()
                .Where(side => side.Stat.Kind == FileKind.File && isFree(side.Path) && !SqliteHeader.IsDatabase(tree.ReadHead(side)))
                .Select(side => side.Path)
                .Concat(superJournals[node.Path].Where(isFree))
                .ToList();
            if (IsDatabase(node, head, sides.Count > 0, out var variant))
            {
                sides.Add(node.Path);
                sides.Sort(PathText.CompareBytes);
                yield return new Source(node.Path, kind, sides) { Variant = variant };
            }
        }
    }

    private static bool IsDatabase(TreeNode node, byte[] head, bool hasSides, out string? variant)
    {
        variant = null;
        var extension = Path.GetExtension(node.FileName);
        if (node.Stat.Size == 0)
        {
            variant = Empty;
            return hasSides || Extensions.Contains(extension);
        }

        if (SqliteHeader.IsDatabase(head))
        {
            return true;
        }

        variant = Encrypted;
        return EncryptedExtensions.Contains(extension) && node.Stat.Size % SmallestPage == 0 && LooksRandom(head);
    }

    /// <summary>By its bytes, or by a name under which noise is taken for an encrypted database.</summary>
    public static bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) =>
        SqliteHeader.IsDatabase(head) || EncryptedExtensions.Contains(Path.GetExtension(node.FileName));

    /// <summary>Whether bytes could be the output of a cipher: their entropy is that of random bytes, which text and tables never reach.</summary>
    public static bool LooksRandom(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < SmallestPage)
        {
            return false;
        }

        Span<int> counts = stackalloc int[256];
        counts.Clear();
        foreach (var b in bytes)
        {
            counts[b]++;
        }

        var entropy = 0.0;
        foreach (var count in counts)
        {
            entropy -= count == 0 ? 0 : (double)count / bytes.Length * Math.Log2((double)count / bytes.Length);
        }

        // Mean of a sample of n random bytes is 8 - 255 / (2 n ln 2) bits (Miller and Madow); 0.1 is over ten deviations at 4096 bytes.
        return entropy > 8 - (255 / (2 * bytes.Length * Math.Log(2))) - 0.1;
    }
}
