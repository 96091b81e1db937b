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
    private const string ReportName = "report.json";

    /// <summary>The result lies apart from the report: its names are those of a database.</summary>
    private const string FilesName = "files";

    /// <param name="name">As the answers show it: of a database in storage, or of a file or folder there that the newest backup knows as one.</param>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>; <see cref="Fault.InvalidRequest"/>: nothing can be brought out of this kind; <see cref="Fault.NoRoom"/>.</exception>
    public async Task<SalvageResult> RunAsync(string name, OperationContext context)
    {
        var began = clock.GetTimestamp();
        context.Progress.Enter("walk");
        LookAtStorage.RequireFolder(folders.Storage);
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, context.Cancellation);
        var found = Find(name, tree);
        if (found.Engine is not ISalvage salvage)
        {
            throw new BackupException(Fault.InvalidRequest, $"Nothing can be brought out of {name}: it is of the kind {found.Engine.Kind}.", "SQLite, LiteDB and LevelDB can be salvaged; for others use their own tools on a copy.");
        }

        // A copy to read, a second one that is repaired, and the result.
        var copy = room.OfCopies(tree, [found]);
        guard.Require("This salvage", [copy with { Bytes = 3 * copy.Bytes, What = "for copies and the result" }]);
        var place = NewPlace();
        try
        {
            var result = await guard.WhileRoomAsync("This salvage", [folders.Backups], ct => SalvageAsync(name, found, salvage, tree, place, began, context, ct), context.Cancellation);
            context.Outcome = result.Salvaged.NotReadable.Count == 0 ? Outcome.Ok : Outcome.Partial;
            context.Summary = string.Create(CultureInfo.InvariantCulture, $"{name}: {result.Salvaged.Method}, {result.Salvaged.Counts.Values.Sum()} entries brought out into {result.Folder}, {result.Salvaged.NotReadable.Count} findings of what was not readable");
            return result;
        }
        catch
        {
            TreeRemoval.Remove(place);
            throw;
        }
    }

    private FoundSource Find(string name, StorageTree tree)
    {
        if (findSources.In(tree).FirstOrDefault(found => found.Source.Engine != Source.PlainFiles && PathText.Show(found.Source.Name) == name) is { } live)
        {
            return live;
        }

        // Too damaged to be recognised: what it was is known from the newest backup that saw it.
        var path = PathText.Parse(name);
        var known = catalog.List().SelectMany(backup => backup.Sources).FirstOrDefault(source => source.Name == name && source.Engine != Source.PlainFiles);
        if (known is null || tree.Find(path) is null || engines.FirstOrDefault(engine => engine.Kind == known.Engine) is not { } engine)
        {
            throw new BackupException(Fault.NotFound, $"There is no database '{name}' in storage.", "GET /api/databases names those there are.");
        }

        var files = tree.Nodes.Where(node => node.Stat.Kind == FileKind.File && (node.Path == path || node.Path.StartsWith(path + "/", StringComparison.Ordinal))).Select(node => node.Path).ToList();
        return new FoundSource(new Source(path, known.Engine, files) { Variant = known.Variant }, engine);
    }

    private async Task<SalvageResult> SalvageAsync(string name, FoundSource found, ISalvage salvage, StorageTree tree, string place, long began, OperationContext context, CancellationToken ct)
    {
        var staging = folders.NewStaging(context.Id);
        try
        {
            context.Progress.Enter("capture");
            var asItLies = await CopyDamaged.RunAsync(found, tree, staging, ct);
            context.Progress.Enter("verify");
            var verdict = await found.Engine.VerifyAsync(found.Source, staging, ct);
            context.Progress.Enter("salvage");
            Posix.MakeFolder($"{place}/{FilesName}");
            var salvaged = await salvage.SalvageAsync(found.Source, staging, $"{place}/{FilesName}", ct);
            salvaged = salvaged with { Files = [.. salvaged.Files.Select(file => $"{FilesName}/{PathText.Show(file)}")], Notes = asItLies is null ? salvaged.Notes : [asItLies, .. salvaged.Notes] };
            var proven = catalog.List().FirstOrDefault(backup => backup.Damage is null && backup.Sources.Any(source => source.Name == name && source.IsProven));
            var result = new SalvageResult
            {
                Database = name,
                Engine = found.Engine.Kind,
                Folder = PathText.Show(place),
                Salvaged = salvaged,
                Damage = verdict.Errors,
                ProvenIn = proven?.Name,
                CountsThere = proven?.Sources.First(source => source.Name == name).Counts ?? new SortedDictionary<string, long>(StringComparer.Ordinal),
                Duration = clock.GetElapsedTime(began),
            };
            AtomicFile.Write($"{place}/{ReportName}", JsonSerializer.SerializeToUtf8Bytes(result, Json.Indented));
            Posix.FlushFileSystem(place);
            return result;
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }
    }

    private string NewPlace()
    {
        Directory.CreateDirectory($"{folders.State}/salvage");
        var stem = $"{folders.State}/salvage/{clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        var place = stem;
        for (var i = 2; Posix.FindStat(place) is not null; i++)
        {
            place = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}");
        }

        Posix.MakeFolder(place);
        return place;
    }
}
