using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>Repeats a way of copying a database folder until it succeeds or time is up.</summary>
internal sealed class FolderCapture(Source source, string root, string into, TimeProvider clock, TimeSpan patience)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>One attempt: gives the files, or null when the owner got in the way.</summary>
    public delegate FolderCopy? Attempt(FolderCapture capture, CancellationToken ct);

    /// <summary>Absolute path of the owner's folder: only ever read.</summary>
    public string From { get; } = FolderOf(source, root);

    /// <summary>Absolute path of the copy's folder.</summary>
    public string To { get; } = FolderOf(source, into);

    public string Prefix { get; } = PrefixOf(source);

    public Source Source => source;

    public TimeProvider Clock => clock;

    public static string FolderOf(Source source, string root) => source.Name == "." ? root : $"{root}/{source.Name}";

    public static string PrefixOf(Source source) => source.Name == "." ? "" : source.Name + "/";

    public async Task<Capture> RunAsync(Attempt attempt, CancellationToken ct)
    {
        var started = clock.GetTimestamp();
        var pause = FirstPause;
        for (var attempts = 1; ; attempts++)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                EmptyTarget();
                var copy = await Task.Run(() => attempt(this, ct), ct);
                if (copy is not null)
                {
                    return new Capture
                    {
                        Source = source,
                        Files = [.. copy.Files, .. CopyInfoLogs(ct)],
                        CapturedAt = copy.TakenAt,
                        Attempts = attempts,
                        Method = copy.Method,
                    };
                }
            }
            catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR && Posix.FindStat(From) is null)
            {
                throw new BackupException(Fault.NotFound, $"The database {PathText.Show(source.Name)} is gone.", "Nothing is to be done if it was removed on purpose; else look where its folder went.", e);
            }
            catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ESTALE)
            {
                // The owner removed a file between our listing and our opening it.
            }

            if (clock.GetElapsedTime(started) + pause > patience)
            {
                throw new BackupException(
                    Fault.SourceBusy,
                    $"The database {PathText.Show(source.Name)} did not hold still long enough to be copied whole in {patience.TotalSeconds:0} seconds.",
                    "Back up when its owner writes less, or stop the owner for the time of a backup.");
            }

            await Task.Delay(pause, clock, ct);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Copies an open file under its own name: as many bytes as <paramref name="stat"/> says, with its owner, mode and times.</summary>
    public CapturedFile Copy(OpenedFile file, FileStat stat, CancellationToken ct) =>
        Captured(file.Name.Name, stat, QuietCopy.Copy(file.Handle, stat.Size, $"{To}/{file.Name.Name}", ct));

    public CapturedFile Captured(string name, FileStat stat, long length) => new()
    {
        Name = Prefix + name,
        Stat = stat with { Size = length, Links = 1 },
        ContentPath = $"{To}/{name}",
        IsQuiet = true,
    };

    /// <summary>LOG and LOG.old as far as they go now: text for people that the engine never reads, so a line more or less breaks nothing.</summary>
    private IEnumerable<CapturedFile> CopyInfoLogs(CancellationToken ct)
    {
        foreach (var name in Posix.ListNames(From).Select(FileName.Parse).Where(name => name.Role == FileRole.InfoLog))
        {
            using var file = OpenedFile.Find(From, name);
            if (file is not null && Posix.FindStat($"{To}/{name.Name}") is null)
            {
                yield return Copy(file, file.StatNow(), ct);
            }
        }
    }

    private void EmptyTarget()
    {
        if (source.Name != ".")
        {
            TreeRemoval.Remove(To);
            FolderPath.Make(into, source.Name, inclusive: true);
            return;
        }

        foreach (var name in Posix.ListNames(To))
        {
            TreeRemoval.Remove($"{To}/{name}");
        }
    }
}

/// <summary>What one attempt brought.</summary>
internal sealed record FolderCopy(IReadOnlyList<CapturedFile> Files, DateTimeOffset TakenAt, string Method);
