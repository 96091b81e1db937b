using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>RocksDB folders: recognised, captured once they hold still, and not looked into.</summary>
/// <param name="patience">How long a capture waits for a moment in which no file changes. Default 60 seconds.</param>
internal sealed class RocksDbEngine(TimeProvider clock, TimeSpan? patience = null) : IEngine
{
    /// <summary>The end of a block-based table of RocksDB, 0x88e241b785f4cff7 (table/block_based/block_based_table_builder.cc).</summary>
    public static ReadOnlySpan<byte> TableMagic => [0xF7, 0xCF, 0xF4, 0x85, 0xB7, 0x41, 0xE2, 0x88];

    public static Verdict Unverifiable => Verdict.ArchiveOnly("A RocksDB database: this service keeps its files but cannot look into them.");

    public string Kind => FolderKind.RocksDb;

    /// <summary>Names that RocksDB has and LevelDB has not.</summary>
    public static bool IsOwnName(string name) =>
        name is "IDENTITY" || name.StartsWith("OPTIONS-", StringComparison.Ordinal) || name.StartsWith("LOG.old.", StringComparison.Ordinal)
        || (name.EndsWith(".blob", StringComparison.Ordinal) && name.Length >= 11 && name.AsSpan(0, 6).IndexOfAnyExceptInRange('0', '9') < 0);

    public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => FolderKind.MayOwn(node);

    public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree) => FolderKind.Find(FolderKind.RocksDb, tree, isFree);

    public Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct) =>
        new FolderCapture(source, tree.Root, into, clock, patience ?? LevelDbEngine.DefaultPatience).RunAsync(StableCopy.TryTake, ct);

    public Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct) => Task.Run(static () => Unverifiable, ct);
}
