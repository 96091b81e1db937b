using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>LevelDB folders of google/leveldb, classic-level and goleveldb: one folder is one source; foreign files in it stay plain files.</summary>
/// <param name="patience">How long a capture goes on trying while the owner exchanges files under it. Default 60 seconds.</param>
internal sealed class LevelDbEngine(TimeProvider clock, TimeSpan? patience = null) : IEngine, ISalvage
{
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(60);

    public string Kind => FolderKind.LevelDb;

    public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => FolderKind.MayOwn(node);

    public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree) => FolderKind.Find(FolderKind.LevelDb, tree, isFree);

    public Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct) =>
        new FolderCapture(source, tree.Root, into, clock, patience ?? DefaultPatience).RunAsync(LiveCopy.TryTake, ct);

    public Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct) =>
        Task.Run(() => LevelDbVerifier.Verify(FolderCapture.FolderOf(source, folder), PathText.Show(FolderCapture.PrefixOf(source)), ct), ct);

    public Task<Salvaged> SalvageAsync(Source source, string folder, string into, CancellationToken ct) =>
        Task.Run(() => new LevelDbSalvage(FolderCapture.FolderOf(source, folder), PathText.Show(FolderCapture.PrefixOf(source)), ct).Run(into), ct);
}
