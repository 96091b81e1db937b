using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Tests.Archive;

/// <summary>Turns a folder into an archive and back, as the operations do, with the least of everything around it.</summary>
internal static class Storage
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static Progress NoProgress => new();

    /// <summary>What the engines would give for everything below <paramref name="root"/>; a <c>.db</c> passes for a quiet copy of a database.</summary>
    public static List<CapturedFile> Capture(string root)
    {
        var tree = TreeWalker.Walk(root);
        var first = new Dictionary<(ulong, ulong), string>();
        var files = new List<CapturedFile>();
        foreach (var node in tree.Nodes)
        {
            string? link = null;
            if (node.Stat is { Kind: FileKind.File, Links: > 1 } && !first.TryAdd((node.Stat.Device, node.Stat.Inode), node.Path))
            {
                link = first[(node.Stat.Device, node.Stat.Inode)];
            }

            var isDatabase = node.Path.EndsWith(".db", StringComparison.Ordinal) && node.Stat.Kind == FileKind.File;
            files.Add(new CapturedFile
            {
                IsQuiet = isDatabase && link is null,
                Name = node.Path,
                Stat = node.Stat,
                LinkTarget = node.LinkTarget,
                HardLinkTo = link,
                ContentPath = node.Stat.Kind == FileKind.File && link is null ? tree.FullPath(node.Path) : null,
            });
        }

        return files;
    }

    public static ArchiveRequest RequestFor(string root, string? reference = null) => RequestFor(Capture(root), reference);

    public static ArchiveRequest RequestFor(IReadOnlyList<CapturedFile> files, string? reference = null) => new()
    {
        Files = files,
        Manifest = _ => Task.FromResult(AManifest()),
        Report = (seen, _) => Task.FromResult(AReport(seen)),
        ReferencePath = reference,
    };

    public static Manifest AManifest() => new()
    {
        Sequence = 7,
        CreatedAt = Noon,
        Trigger = BackupApi.Model.Trigger.Manual,
        Label = "Grüße, 世界",
        ServiceVersion = "0.1.0",
        Sources = [],
    };

    public static Report AReport(WriterObservations seen) => new()
    {
        Outcome = Outcome.Ok,
        Verification = VerificationLevel.Archive,
        Proven = true,
        Entries = seen.Entries,
        ContentBytes = seen.ContentBytes,
    };

    public static Task<ArchiveFacts> WriteAsync(string path, string root, string? reference = null, ArchiveWriterSettings? settings = null) =>
        new ArchiveWriter(settings ?? Later).WriteAsync(path, RequestFor(root, reference), NoProgress, CancellationToken.None);

    /// <summary>A writer that finds every file old enough to trust its fingerprint.</summary>
    public static ArchiveWriterSettings Later => new() { Clock = new LateClock() };

    public static Task<ArchiveProof> VerifyAsync(string path) => new ArchiveReader().VerifyAsync(path, ArchiveLimits.None, NoProgress, CancellationToken.None);

    public static Task<UnpackResult> UnpackAsync(string path, string into) =>
        new ArchiveReader().UnpackAsync(path, into, static _ => true, ArchiveLimits.None, NoProgress, CancellationToken.None);

    /// <summary>Two minutes ahead of the machine's clock.</summary>
    private sealed class LateClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromMinutes(2);
    }
}
