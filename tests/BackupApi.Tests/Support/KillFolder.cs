using BackupApi.Files;

namespace BackupApi.Tests.Support;

/// <summary>A folder for rounds by the hundred, removed afterwards: in memory where there is room, else beside the test binaries.</summary>
/// <remarks>A kill or an error leaves the same on a tmpfs as on a disk: it exchanges names, and what is not flushed is lost on neither. Fingerprints are not trusted there, nor are they of files as young as these anywhere. Power cuts have a disk of their own (<see cref="KillDisk"/>).</remarks>
internal sealed class KillFolder : IDisposable
{
    private const string Memory = "/dev/shm";
    private const long Room = 1L << 30;

    private static int count;

    public KillFolder()
    {
        var isMemory = Posix.FindTargetStat(Memory) is not null && MountFacts.Of(Memory) is { Kind: "tmpfs", FreeBytes: > Room };
        var above = isMemory ? $"{Memory}/backupapi-tests" : System.IO.Path.Combine(AppContext.BaseDirectory, "tmp");
        Path = Directory.CreateDirectory($"{above}/kill-{Environment.ProcessId}-{Interlocked.Increment(ref count)}").FullName;
    }

    public string Path { get; }

    public string this[string name] => $"{Path}/{name}";

    public void Dispose() => TreeRemoval.Remove(Path);
}
