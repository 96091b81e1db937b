using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Spares capturing a database none of whose files changed since it was proven: its content is carried over from the last archive, its verdict with it.</summary>
/// <param name="last">The backup whose archive is the reference; null when nothing may be inherited.</param>
/// <param name="walkedAt">The instant of <paramref name="tree"/>.</param>
internal sealed class InheritCaptures(Backup? last, StorageTree tree, DateTimeOffset walkedAt)
{
    /// <summary>How old a change must be for its time stamp to be trusted: a page mapped for writing can change again without a new one.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(60);

    /// <summary>The instant of the tree.</summary>
    public DateTimeOffset WalkedAt => walkedAt;

    /// <summary>The source as the last backup has it; null when it must be captured.</summary>
    public CapturedSource? Find(Source source)
    {
        var name = PathText.Show(source.Name);
        if (source.Engine == Source.PlainFiles
            || last?.Memory.GetValueOrDefault(name) is not { IsSettled: true } memory
            || last.Sources.FirstOrDefault(s => s.Name == name) is not { IsProven: true } proven
            || memory.Digest != Remember(source, [])?.Digest)
        {
            return null;
        }

        var files = memory.Entries.Select(PathText.Parse).Select(entry => tree.Find(entry) is { } node
            ? new CapturedFile { Name = entry, Stat = node.Stat, FromReference = true, ContentRoot = tree.Root }
            : null).ToList();
        return files.Contains(null) ? null : new CapturedSource(
            source,
            new Capture { Source = source, Files = files!, CapturedAt = walkedAt, Method = "unchanged", Attempts = 0 },
            new Verdict { Level = proven.Verification, BestLevel = proven.BestVerification, Reason = proven.Reason, Counts = proven.Counts, Warnings = proven.Warnings, Notes = proven.Notes })
        {
            InheritedFrom = proven.InheritedFrom ?? last.Name,
        };
    }

    /// <summary>What to remember of a captured database; null for plain files.</summary>
    public SourceMemory? Remember(Source source, IEnumerable<string> entries)
    {
        if (source.Engine == Source.PlainFiles)
        {
            return null;
        }

        // A LOCK and SQLite's scratch memory hold no data, and reading a live database touches the ctime of its -wal.
        var nodes = source.Files.Select(tree.Find).OfType<TreeNode>().Where(node => node.FileName != "LOCK").ToList();
        var settled = UnixTime.From(walkedAt - Settling);
        return new SourceMemory(
            TreeDigest.Of(nodes),
            nodes.TrueForAll(node => (node.Path.EndsWith("-wal", StringComparison.Ordinal) ? node.Stat.Modified : node.Stat.Changed).CompareTo(settled) <= 0)
                && MountFacts.AreOnLocalDisks(tree, nodes),
            [.. entries.Select(PathText.Show)]);
    }
}
