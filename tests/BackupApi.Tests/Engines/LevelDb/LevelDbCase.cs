using BackupApi.Engines.LevelDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>A storage folder of its own that holds one LevelDB folder <c>db</c>, and the engine asked about it.</summary>
internal sealed class LevelDbCase : IDisposable
{
    private readonly TempFolder temp = new();
    private int captures;

    /// <param name="fixture">A case of the real databases, or null for an empty storage.</param>
    public LevelDbCase(string? fixture = null)
    {
        temp.Folder("storage");
        if (fixture is not null)
        {
            Fixtures.CopyTo($"leveldb/{fixture}", Storage);
        }
    }

    public string Storage => temp["storage"];

    public string Db => temp["storage/db"];

    public LevelDbEngine Engine { get; init; } = new(TimeProvider.System, TimeSpan.FromSeconds(30));

    public string this[string file] => Path.Combine(Db, file);

    public string NewFolder() => temp.Folder($"into-{Interlocked.Increment(ref captures)}");

    public StorageTree Walk() => TreeWalker.Walk(Storage);

    public Source? FindSource() => Engine.Recognise(Walk(), static _ => true).SingleOrDefault();

    public Source Source => FindSource() ?? throw new InvalidOperationException("not recognised as LevelDB");

    public async Task<(Capture Capture, string Into)> CaptureAsync(CancellationToken ct = default)
    {
        var into = NewFolder();
        return (await Engine.CaptureAsync(Source, Walk(), into, ct), into);
    }

    /// <summary>Judges the folder as it lies there.</summary>
    public Task<Verdict> VerifyAsync() => Engine.VerifyAsync(new Source("db", "leveldb", []), Storage, CancellationToken.None);

    /// <summary>The only file whose name ends so.</summary>
    public string Only(string pattern) => Directory.GetFiles(Db, pattern).Single();

    public void Change(string path, Action<byte[]> change)
    {
        var bytes = File.ReadAllBytes(path);
        change(bytes);
        File.WriteAllBytes(path, bytes);
    }

    public static void Cut(string path, long bytes)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length - bytes);
    }

    public void Dispose() => temp.Dispose();
}
