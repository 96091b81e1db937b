using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>One attempt to copy every file of a database folder as it lies there, accepted when nothing in it changed from the first look to the last.</summary>
internal static class StableCopy
{
    public const string Method = "stable copy";

    public static FolderCopy? TryTake(FolderCapture capture, CancellationToken ct)
    {
        var before = Look(capture);
        if (before.Count == 0)
        {
            throw new BackupException(Fault.NotFound, $"The database {PathText.Show(capture.Source.Name)} holds no files any more.", "Nothing is to be done if it was removed on purpose; else look where its files went.");
        }

        var takenAt = capture.Clock.GetUtcNow();
        var files = new List<CapturedFile>();
        foreach (var (name, stat) in before)
        {
            using var file = OpenedFile.Find(capture.From, FileName.Parse(name));
            if (file is null || file.Stat.Fingerprint != stat.Fingerprint)
            {
                return null;
            }

            var copied = capture.Copy(file, stat, ct);
            if (copied.Stat.Size != stat.Size)
            {
                return null;
            }

            files.Add(copied);
        }

        var after = Look(capture);
        return before.Count == after.Count && before.All(file => after.TryGetValue(file.Key, out var stat) && stat.Fingerprint == file.Value.Fingerprint)
            ? new FolderCopy(files, takenAt, Method)
            : null;
    }

    private static SortedDictionary<string, FileStat> Look(FolderCapture capture)
    {
        var files = new SortedDictionary<string, FileStat>(StringComparer.Ordinal);
        foreach (var name in Posix.ListNames(capture.From))
        {
            var isPart = FileName.Parse(name).IsContent || (capture.Source.Engine == FolderKind.RocksDb && RocksDbEngine.IsOwnName(name) && !name.StartsWith("LOG.old.", StringComparison.Ordinal));
            if (isPart && Posix.FindStat($"{capture.From}/{name}") is { Kind: FileKind.File } stat)
            {
                files.Add(name, stat);
            }
        }

        return files;
    }
}
