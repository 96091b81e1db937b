using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LiteDb;

/// <summary>LiteDB v5, plain and encrypted; v4 is captured and guarded by checksums only.</summary>
/// <remarks>
/// A source is <c>X.db</c> with <c>X-log.db</c>. <c>X-tmp.db</c> (sort spill) and <c>X-temp.db</c> (a rebuild's unfinished output) belong to it and are never captured:
/// the engine overwrites and deletes those names at will. <c>X-backup.db</c>, the old content that a rebuild leaves, is a source of its own;
/// a rebuild is mostly run because that content was damaged, so damage in it is told as warnings and alarms nobody. A <c>-log</c> without its database is a plain file.
/// </remarks>
internal sealed class LiteDbEngine(LiteDbSettings settings, TimeProvider clock) : IEngine, ISalvage
{
    internal const string V5 = "v5";
    internal const string V5Encrypted = "v5 encrypted";
    internal const string V4 = "v4";
    internal const string RebuildLeftover = "v5 left by a rebuild";

    private static readonly Comparer<string> ByBytes = Comparer<string>.Create(PathText.CompareBytes);

    public string Kind => "litedb";

    public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => LiteDbSignature.Of(head, node.Stat.Size) != LiteDbKind.None;

    public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree)
    {
        var found = new List<(string Path, LiteDbKind Kind)>();
        foreach (var node in tree.FilesOfInterest().Where(node => isFree(node.Path)))
        {
            var head = tree.ReadHead(node);
            var kind = LiteDbSignature.Of(head, node.Stat.Size);
            var isLog = LiteDbNames.IsLogName(node.Path) && (kind == LiteDbKind.V5Encrypted || LiteDbSignature.IsLogImage(head));
            if (kind != LiteDbKind.None && !isLog)
            {
                found.Add((node.Path, kind));
            }
        }

        // Shorter names first: the files beside a database are named after it.
        var claimed = new HashSet<string>(StringComparer.Ordinal);
        var names = found.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        var sources = new List<Source>();
        foreach (var (path, kind) in found.OrderBy(file => file.Path.Length).ThenBy(file => file.Path, StringComparer.Ordinal))
        {
            if (!claimed.Contains(path))
            {
                var files = Beside(tree, path, kind, isFree).Prepend(path).Order(ByBytes).ToArray();
                claimed.UnionWith(files);
                sources.Add(new Source(path, Kind, files) { Variant = VariantOf(path, kind, names) });
            }
        }

        return sources;
    }

    public async Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct)
    {
        var isV4 = source.Variant == V4;
        var logName = isV4 ? LiteDbNames.JournalOf(source.Name) : LiteDbNames.LogOf(source.Name);
        FolderPath.Make(into, source.Name, inclusive: false);
        using var data = new StagedCopy($"{into}/{source.Name}");
        using var log = new StagedCopy($"{into}/{logName}");
        var capture = new LiteDbCapture(settings, clock, tree.FullPath(source.Name), tree.FullPath(logName), logName, isLogPaged: !isV4);
        try
        {
            var captured = await Task.Run(() => capture.RunAsync(data, log, ct), ct);
            var files = new List<CapturedFile> { Quiet(source.Name, captured.Data, data) };
            if (captured.Log is { } logStat)
            {
                files.Add(Quiet(logName, logStat, log));
            }
            else
            {
                Posix.Unlink(log.Path);
            }

            return new Capture
            {
                Source = source,
                Files = files,
                CapturedAt = captured.At,
                OwnerHeld = captured.OwnerHeld,
                Attempts = captured.Attempts,
                Method = captured.Method,
                Warnings = captured.Warnings,
            };
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    public Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct) => Task.Run(() => Verify(source, folder, ct), ct);

    public Task<Salvaged> SalvageAsync(Source source, string folder, string into, CancellationToken ct) =>
        Task.Run(() => new LiteDbSalvage(source, folder, settings.PasswordOf(source.Name) ?? settings.Password).Run(into, ct), ct);

    private Verdict Verify(Source source, string folder, CancellationToken ct)
    {
        var data = $"{folder}/{source.Name}";
        var logName = LiteDbNames.LogOf(source.Name);
        var (shown, shownLog) = (PathText.Show(source.Name), PathText.Show(logName));
        if (Posix.FindStat(data) is not { Kind: FileKind.File, Size: > 0 } stat)
        {
            return Verdict.Damaged([new Finding(shown, "The database is missing or empty.")]);
        }

        var kind = LiteDbSignature.Of(Head(data), stat.Size);
        var log = Posix.FindStat($"{folder}/{logName}") is { Kind: FileKind.File, Size: > 0 } ? $"{folder}/{logName}" : null;
        switch (kind)
        {
            case LiteDbKind.V4:
                return Verdict.ArchiveOnly("LiteDB v4: the content of this older format is not verified.");
            case LiteDbKind.V5Encrypted when (settings.PasswordOf(source.Name) ?? settings.Password) is null:
                return Verdict.ArchiveOnly("The database is encrypted and no password is set: its structure cannot be verified.");
            case LiteDbKind.None:
                return Verdict.Damaged([new Finding($"{shown} page 0", "The file does not begin as a LiteDB database does.")]);
            default:
                break;
        }

        var password = kind == LiteDbKind.V5Encrypted ? settings.PasswordOf(source.Name) ?? settings.Password : null;
        var verdict = new LiteDbVerifier(shown, shownLog).Verify(data, log, password, ct);
        return verdict.IsDamaged && source.Variant == RebuildLeftover
            ? Verdict.ArchiveOnly("The old content that a rebuild left is damaged, as was to be expected; it is kept as found.", [.. verdict.Errors.Concat(verdict.Warnings).Take(Verdict.MaxFindings)])
            : verdict;
    }

    /// <summary>The other files of a database: its log, and the names that only the engine uses.</summary>
    private static IEnumerable<string> Beside(StorageTree tree, string path, LiteDbKind kind, Func<string, bool> isFree)
    {
        string[] names = kind == LiteDbKind.V4 ? [LiteDbNames.JournalOf(path)] : [LiteDbNames.LogOf(path), LiteDbNames.SortOf(path)];
        foreach (var name in names.Where(IsThere))
        {
            yield return name;
        }

        for (var number = 0; kind != LiteDbKind.V4 && IsThere(LiteDbNames.RebuildOutputOf(path, number)); number++)
        {
            yield return LiteDbNames.RebuildOutputOf(path, number);
        }

        bool IsThere(string name) => tree.Find(name) is { Stat.Kind: FileKind.File } && isFree(name);
    }

    private static string VariantOf(string path, LiteDbKind kind, HashSet<string> names) =>
        kind == LiteDbKind.V4 ? V4
        : LiteDbNames.RebuiltFrom(path) is { } rebuilt && names.Contains(rebuilt) ? RebuildLeftover
        : kind == LiteDbKind.V5Encrypted ? V5Encrypted
        : V5;

    private static CapturedFile Quiet(string name, FileStat stat, StagedCopy copy) => new()
    {
        Name = name,
        Stat = stat with { Size = copy.Length },
        ContentPath = copy.Path,
        IsQuiet = true,
    };

    private static byte[] Head(string path)
    {
        using var file = Posix.OpenRead(path);
        var head = new byte[StorageTree.HeadLength];
        return head[..RandomAccess.Read(file, head, 0)];
    }
}
