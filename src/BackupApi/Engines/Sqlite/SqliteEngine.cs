using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.Sqlite;

/// <summary>SQLite 3 databases in rollback and WAL mode, through the native library.</summary>
/// <remarks>
/// While a capture holds its read-only connection no other handle of that file may be closed in this process: closing one drops SQLite's
/// locks (sqlite.org/howtocorrupt.html, 2.2). Operations keep captures and everything that reads heads of files apart.
/// </remarks>
internal sealed class SqliteEngine(TimeProvider time, SqliteSettings? settings = null) : IEngine, ISalvage
{
    private readonly SqliteSettings settings = settings ?? new SqliteSettings();

    public string Kind => "sqlite";

    public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => SqliteRecognition.MayOwn(node, head);

    public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree) => SqliteRecognition.Recognise(tree, isFree, Kind);

    public Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct) =>
        new SqliteCapture(source, tree.Root, into, settings, time).RunAsync(ct);

    public Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct) =>
        // The library's calls block and take seconds: off the caller's thread.
        Task.Run(() => new SqliteVerifier(source, folder, settings, time).Verify(ct), ct);

    public Task<Salvaged> SalvageAsync(Source source, string folder, string into, CancellationToken ct) => new SqliteSalvage(source, folder, settings, time).RunAsync(into, ct);
}
