using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Names that go into the archive together: one file with chunks of its own, or a run of small ones and of what has no content.</summary>
internal sealed record Segment(IReadOnlyList<CapturedFile> Files)
{
    /// <summary>A file whose chunks hold nothing else.</summary>
    public bool IsSingle => Files.Count == 1 && Segments.StandsAlone(Files[0]);
}

/// <summary>Cuts the ordered names into segments.</summary>
/// <remarks>Where a run ends depends on the names and sizes around it only, so that a file that comes or goes changes its own run and leaves the next ones as they were.</remarks>
internal static class Segments
{
    /// <summary>A run ends behind a name whose hash is a multiple of this.</summary>
    private const uint MeanRun = 32;

    public static IEnumerable<Segment> Cut(IReadOnlyList<CapturedFile> ordered)
    {
        var run = new List<CapturedFile>();
        long length = 0;
        foreach (var file in ordered)
        {
            if (StandsAlone(file))
            {
                if (run.Count > 0)
                {
                    yield return new Segment(run);
                    (run, length) = ([], 0);
                }

                yield return new Segment([file]);
                continue;
            }

            run.Add(file);
            length += (3 * TarFormat.BlockLength) + (HasContent(file) ? TarFormat.Padded(file.Stat.Size) : 0);
            if (length >= ArchiveLayout.ChunkLength || run.Count == IndexRecords.MaxSegmentEntries / 8 || EndsRun(file.Name))
            {
                yield return new Segment(run);
                (run, length) = ([], 0);
            }
        }

        if (run.Count > 0)
        {
            yield return new Segment(run);
        }
    }

    /// <summary>Large files; and every file of a database, so that it can be carried over by itself.</summary>
    public static bool StandsAlone(CapturedFile file) =>
        file.FromReference || (HasContent(file) && (file.IsQuiet || file.Stat.Size > ArchiveLayout.SmallFile));

    public static bool HasContent(CapturedFile file) => file.HardLinkTo is null && file.HasContentPath;

    /// <summary>FNV-1a of the name's bytes: the same on every machine, unlike string.GetHashCode.</summary>
    private static bool EndsRun(string name)
    {
        var hash = 2166136261u;
        foreach (var b in PathText.Encode(name))
        {
            hash = (hash ^ b) * 16777619u;
        }

        return ((hash >> 16) ^ hash) % MeanRun == 0;
    }
}
