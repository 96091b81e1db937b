using BackupApi.Files;

namespace BackupApi.Tests.Support;

/// <summary>A folder of its own for one test, beside the test binaries (a real disk, never a tmpfs), removed afterwards.</summary>
public sealed class TempFolder : IDisposable
{
    private static int count;

    public TempFolder()
    {
        Path = System.IO.Path.Combine(OpenPlace.Root, "tmp", $"{Environment.ProcessId}-{Interlocked.Increment(ref count)}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    /// <summary>Makes a folder below this one and gives its path.</summary>
    public string Folder(string relative) => Directory.CreateDirectory(this[relative]).FullName;

    /// <summary>Writes a small file below this folder, with the folders it needs, and gives its path.</summary>
    public string File(string relative, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[relative])!);
        System.IO.File.WriteAllBytes(this[relative], content.ToArray());
        return this[relative];
    }

    public void Dispose() => TreeRemoval.Remove(Path);
}
