using System.Text;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>One attempt to copy a LevelDB folder as it stood at one instant, while its owner writes and compacts.</summary>
/// <remarks>
/// It rests on the order in which the engine works (db/db_impl.cc): a table is whole before the MANIFEST lists it and never changes; a new log exists before the old
/// one is final; a log is removed only after the MANIFEST lists its table. So with every table and log held open first, the MANIFEST read next, and then the logs
/// copied in ascending order, the copy is the state after some whole batch. Logs that appear after the listing are left out: with an older one half read they
/// would leave a gap. A database too damaged for this is copied file by file as it is: the verdict tells.
/// </remarks>
internal sealed class LiveCopy : IDisposable
{
    public const string Method = "open handles";

    private const int MaxCurrentBytes = 4096;
    private const int MaxManifestReads = 100;

    private readonly FolderCapture capture;
    private readonly Dictionary<ulong, OpenedFile> tables = [];
    private readonly SortedDictionary<ulong, OpenedFile> logs = [];

    private LiveCopy(FolderCapture capture) => this.capture = capture;

    public static FolderCopy? TryTake(FolderCapture capture, CancellationToken ct)
    {
        using var copy = new LiveCopy(capture);
        using var current = OpenedFile.Find(capture.From, FileName.Parse("CURRENT"));
        var content = current?.ReadHead(MaxCurrentBytes);
        using var manifest = content is not null && FileName.ManifestNamedBy(content) is { } name ? OpenedFile.Find(capture.From, FileName.Parse(name)) : null;
        if (current is null || manifest is null)
        {
            return StableCopy.TryTake(capture, ct);
        }

        copy.OpenAll();
        var (read, length) = copy.ReadUntilAllTablesAreOpen(manifest, ct);
        if (read.Problems.Count > 0)
        {
            return copy.IsStillCurrent(current, content!) ? StableCopy.TryTake(capture, ct) : null;
        }

        if (copy.HasLogGap(read.State, () => manifest.StatNow().Size != length))
        {
            return null;
        }

        var takenAt = capture.Clock.GetUtcNow();
        List<CapturedFile> files = [.. copy.CopyLogs(read.State, ct)];
        if (!copy.IsStillCurrent(current, content!))
        {
            // Opened anew meanwhile: the logs may hold writes that belong to another MANIFEST.
            return null;
        }

        // From here on the owner may do what it likes: what is left never changes, and is held open.
        files.AddRange(copy.CopyTables(read.State, ct));
        files.Add(capture.Copy(manifest, manifest.Stat with { Size = read.Length }, ct));
        files.Add(copy.WriteCurrent(current, manifest));
        return new FolderCopy(files, takenAt, Method);
    }

    public void Dispose()
    {
        foreach (var file in tables.Values.Concat(logs.Values))
        {
            file.Dispose();
        }
    }

    private void OpenAll()
    {
        foreach (var name in Posix.ListNames(capture.From).Select(FileName.Parse))
        {
            if (name.Role is not (FileRole.Table or FileRole.Log) || OpenedFile.Find(capture.From, name) is not { } file)
            {
                continue;
            }

            if (!(name.Role == FileRole.Table ? tables.TryAdd(name.Number, file) : logs.TryAdd(name.Number, file)))
            {
                file.Dispose();
            }
        }
    }

    /// <summary>Reads the MANIFEST, and again as long as it grew while a table that it listed was removed.</summary>
    /// <returns>The last reading and the length it was made at. A table it lists that is still not open is missing: the verdict will say so.</returns>
    private (Manifest Read, long Length) ReadUntilAllTablesAreOpen(OpenedFile manifest, CancellationToken ct)
    {
        var length = manifest.StatNow().Size;
        for (var reads = 1; ; reads++)
        {
            var read = Manifest.Read(manifest.Handle, length, ct);
            var isWhole = read.Problems.Count == 0 && read.State.Live.All(table => tables.ContainsKey(table.Number) || TryOpen(table.Number));
            var lengthNow = manifest.StatNow().Size;
            if (isWhole || lengthNow == length || reads == MaxManifestReads)
            {
                return (read, length);
            }

            length = lengthNow;
        }
    }

    private bool TryOpen(ulong number)
    {
        var file = OpenedFile.Find(capture.From, FileName.Parse($"{number:D6}.ldb")) ?? OpenedFile.Find(capture.From, FileName.Parse($"{number:D6}.sst"));
        return file is not null && tables.TryAdd(number, file);
    }

    /// <summary>True when the listing held a later log but not the one that the MANIFEST calls the first to be replayed.</summary>
    /// <remarks>A log that is truly not there, with a MANIFEST that stands still, is no reason to wait.</remarks>
    private bool HasLogGap(ManifestState state, Func<bool> hasManifestGrown)
    {
        var first = state.LogNumber!.Value;
        if (logs.ContainsKey(first) || !logs.Keys.Any(number => number > first))
        {
            return false;
        }

        using var missed = OpenedFile.Find(capture.From, FileName.Parse($"{first:D6}.log"));
        return missed is not null || hasManifestGrown();
    }

    private IEnumerable<CapturedFile> CopyLogs(ManifestState state, CancellationToken ct) =>
        // Ascending: all but the highest are final, and the highest is cut where it ends now.
        logs.Where(log => state.IsLiveLog(log.Key)).Select(log => capture.Copy(log.Value, log.Value.StatNow(), ct));

    private IEnumerable<CapturedFile> CopyTables(ManifestState state, CancellationToken ct) =>
        // Sizes are asked for now: a table may have been opened while it was written, before the MANIFEST listed it.
        state.Live.Select(table => table.Number).Distinct().Where(tables.ContainsKey).Select(number => capture.Copy(tables[number], tables[number].StatNow(), ct));

    private CapturedFile WriteCurrent(OpenedFile current, OpenedFile manifest)
    {
        var content = Encoding.ASCII.GetBytes(manifest.Name.Name + "\n");
        using var file = Posix.CreateNew($"{capture.To}/CURRENT");
        RandomAccess.Write(file, content, 0);
        return capture.Captured("CURRENT", current.Stat, content.Length);
    }

    private bool IsStillCurrent(OpenedFile current, byte[] content)
    {
        using var now = OpenedFile.Find(capture.From, current.Name);
        return now is not null && now.Stat.Inode == current.Stat.Inode && now.ReadHead(MaxCurrentBytes).AsSpan().SequenceEqual(content);
    }
}
