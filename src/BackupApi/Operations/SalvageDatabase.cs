using System.Globalization;
using System.Text.Json;
using BackupApi.Catalog;
using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Brings out of a live database what can still be read, beside it and never in place: into a new folder <c>backups/.backupapi/salvage/TIME/</c>, with a report.</summary>
/// <remarks>For a database that no backup holds well: else bringing that back is better, and the answer says so. The newest salvages are kept by nobody but their owner: nothing here removes one.</remarks>
internal sealed class SalvageDatabase(WorkFolders folders, FindSources findSources, IReadOnlyList<IEngine> engines, BackupCatalog catalog, PredictRoom room, DiskGuard guard, TimeProvider clock)
{
    /// <summary>The one kind that is a folder.</summary>
    private const string LevelDb = "leveldb";

    private const string ReportName = "report.json";

    /// <summary>The result lies apart from the report: its names are those of a database.</summary>
    private const string FilesName = "files";

    /// <param name="name">As the answers show it: of a database in storage, or of a file or folder there that the newest backup knows as one.</param>
    /// <param name="engine">Kind that a file or folder of that name once was, where neither it nor a backup tells; null to go by them.</param>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>; <see cref="Fault.InvalidRequest"/>: nothing can be brought out of this kind; <see cref="Fault.NoRoom"/>.</exception>
    public async Task<SalvageResult> RunAsync(string name, string? engine, OperationContext context)
    {
        var began = clock.GetTimestamp();
        context.Progress.Enter("walk");
        LookAtStorage.RequireFolder(folders.Storage);
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, context.Cancellation);
        var found = Find(name, engine, tree);
        if (found.Engine is not ISalvage salvage)
        {
            throw new BackupException(Fault.InvalidRequest, $"Nothing can be brought out of {name}: it is of the kind {found.Engine.Kind}.", "SQLite, LiteDB and LevelDB can be salvaged; for others use their own tools on a copy.");
        }

        // A copy to read, a second one that is repaired, and the result.
        var copy = room.OfCopies(tree, [found]);
        guard.Require("This salvage", [copy with { Bytes = 3 * copy.Bytes, What = "for copies and the result" }]);
        // Until it is finished it lies where a start clears up behind a kill.
        var place = folders.NewStaging($"{context.Id}-result");
        try
        {
            var result = await guard.WhileRoomAsync("This salvage", [folders.Backups], ct => SalvageAsync(name, found, salvage, tree, place, began, context, ct), context.Cancellation);
            context.Outcome = result.Salvaged.NotReadable.Count == 0 ? Outcome.Ok : Outcome.Partial;
            context.Summary = string.Create(CultureInfo.InvariantCulture, $"{name}: {result.Salvaged.Method}, {result.Salvaged.Counts.Values.Sum()} entries brought out into {result.Folder}, {result.Salvaged.NotReadable.Count} findings of what was not readable");
            return result;
        }
        finally
        {
            TreeRemoval.Remove(place);
        }
    }

    private FoundSource Find(string name, string? kind, StorageTree tree)
    {
        if (findSources.In(tree).FirstOrDefault(found => found.Source.Engine != Source.PlainFiles && PathText.Show(found.Source.Name) == name) is { } live && (kind is null || live.Source.Engine == kind))
        {
            return live;
        }

        // Too damaged to be recognised: what it was is known from the newest backup that saw it, or from whoever asks.
        var path = name == DamagedSource.Root ? "" : PathText.Parse(name);
        var known = catalog.List().SelectMany(backup => backup.Sources).FirstOrDefault(source => source.Name == name && source.Engine != Source.PlainFiles && (kind is null || source.Engine == kind));
        if (name.Length == 0 || (name != DamagedSource.Root && tree.Find(path) is null) || (kind ?? known?.Engine) is not { } wanted)
        {
            throw new BackupException(
                Fault.NotFound,
                $"There is no database '{name}' in storage.",
                "GET /api/databases names those there are. What is no longer recognised as one, and is in no backup, is salvaged when 'engine' says what it was: sqlite, litedb or leveldb.");
        }

        if (engines.FirstOrDefault(engine => engine.Kind == wanted && engine is ISalvage) is not { } engine)
        {
            throw new BackupException(Fault.InvalidRequest, $"Nothing can be brought out of '{PathText.Show(wanted)}'.", "'engine' is sqlite, litedb or leveldb.");
        }

        var isFolder = name == DamagedSource.Root || tree.Find(path) is { Stat.Kind: FileKind.Directory };
        if (isFolder != (wanted == LevelDb))
        {
            throw new BackupException(Fault.InvalidRequest, $"'{name}' is a {(isFolder ? "folder" : "file")}, which a {wanted} database is not.", "A LevelDB database is a folder, the others are files.");
        }

        return DamagedSource.Find(tree, name, engine, known?.Variant)!;
    }

    private async Task<SalvageResult> SalvageAsync(string name, FoundSource found, ISalvage salvage, StorageTree tree, string place, long began, OperationContext context, CancellationToken ct)
    {
        var staging = folders.NewStaging(context.Id);
        try
        {
            context.Progress.Enter("capture");
            var copied = await CopyDamaged.RunAsync(found, tree, staging, ct);
            Verdict verdict;
            Salvaged salvaged;
            try
            {
                (verdict, salvaged) = await ReadAsync(found, salvage, staging, $"{place}/{FilesName}", context, ct);
            }
            catch (Exception e) when (copied.Notes.Count == 0 && CopyDamaged.IsOfTheDisk(e))
            {
                context.Progress.Enter("capture");
                copied = CopyDamaged.AsItLies(found, tree, staging, e, ct);
                (verdict, salvaged) = await ReadAsync(found, salvage, staging, $"{place}/{FilesName}", context, ct);
            }

            salvaged = salvaged with
            {
                Files = [.. salvaged.Files.Select(file => $"{FilesName}/{PathText.Show(file)}")],
                Notes = [.. copied.Notes, .. salvaged.Notes],
                NotReadable = Bounded([.. copied.NotReadable, .. salvaged.NotReadable]),
            };
            var proven = catalog.List().FirstOrDefault(backup => backup.Damage is null && backup.Sources.Any(source => source.Name == name && source.IsProven));
            var published = FreePlace();
            var result = new SalvageResult
            {
                Database = name,
                Engine = found.Engine.Kind,
                Folder = PathText.Show(published),
                Salvaged = salvaged,
                Damage = verdict.Errors,
                ProvenIn = proven?.Name,
                CountsThere = proven?.Sources.First(source => source.Name == name).Counts ?? new SortedDictionary<string, long>(StringComparer.Ordinal),
                Duration = clock.GetElapsedTime(began),
            };
            AtomicFile.Write($"{place}/{ReportName}", JsonSerializer.SerializeToUtf8Bytes(result, Json.Indented));
            Posix.FlushFileSystem(place);
            Posix.RenameNew(place, published);
            Posix.FlushFolder($"{folders.State}/salvage");
            return result;
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }
    }

    private static async Task<(Verdict Verdict, Salvaged Salvaged)> ReadAsync(FoundSource found, ISalvage salvage, string staging, string into, OperationContext context, CancellationToken ct)
    {
        context.Progress.Enter("verify");
        var verdict = await found.Engine.VerifyAsync(found.Source, staging, ct);
        context.Progress.Enter("salvage");
        TreeRemoval.Remove(into);
        Posix.MakeFolder(into);
        return (verdict, await salvage.SalvageAsync(found.Source, staging, into, ct));
    }

    private static IReadOnlyList<Finding> Bounded(IReadOnlyList<Finding> all) => all.Count <= Verdict.MaxFindings
        ? all
        : [.. all.Take(Verdict.MaxFindings - 1), new Finding(all[^1].Where, string.Create(CultureInfo.InvariantCulture, $"There are {all.Count - Verdict.MaxFindings + 1} more findings."))];

    private string FreePlace()
    {
        Directory.CreateDirectory($"{folders.State}/salvage");
        var stem = $"{folders.State}/salvage/{clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        var place = stem;
        for (var i = 2; Posix.FindStat(place) is not null; i++)
        {
            place = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}");
        }

        return place;
    }
}
