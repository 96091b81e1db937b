using System.Globalization;
using System.Reflection;
using BackupApi.Archive;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>A backup from the first look at storage to the published archive.</summary>
internal sealed class TakeBackup(
    WorkFolders folders,
    FindSources findSources,
    ArchiveWriter writer,
    BackupCatalog catalog,
    SequenceCounter sequence,
    PredictRoom room,
    PinGoodCopies pinGoodCopies,
    ApplyRetention retention,
    TimeProvider clock)
{
    private static readonly string Version =
        typeof(TakeBackup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public async Task<CreateResult> RunAsync(CreateRequest request, OperationContext context)
    {
        var began = clock.GetTimestamp();
        var ct = context.Cancellation;

        context.Progress.Enter("walk");
        var last = catalog.List().FirstOrDefault(b => b.IsOurs && b.Damage is null);
        var tree = Walk(request, last, ct);
        var sources = findSources.In(tree);
        room.Require(ContentBytes(tree, _ => true), ContentBytes(tree, DatabaseFilesOf(sources).Contains), last);

        var staging = folders.NewStaging(context.Id);
        try
        {
            var captured = await CaptureSources.RunAsync(sources, tree, staging, context.Progress, ct);
            var (name, archive) = await WriteAsync(request, tree, captured, context);
            var backup = Record(name, archive, captured, tree, context);
            pinGoodCopies.Run(backup);
            retention.Run();

            return new CreateResult
            {
                Backup = backup,
                Duration = clock.GetElapsedTime(began),
                BytesRead = archive.BytesRead,
                BytesCompressed = archive.BytesCompressed,
                BytesCarriedOver = archive.BytesCarriedOver,
            };
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }
    }

    /// <summary>Looks at storage; refuses one that is gone, or empty where the last backup was not.</summary>
    private StorageTree Walk(CreateRequest request, Backup? last, CancellationToken ct)
    {
        if (Posix.FindTargetStat(folders.Storage) is not { Kind: FileKind.Directory })
        {
            throw new BackupException(
                Fault.StorageMissing,
                $"The storage folder {folders.Storage} does not exist.",
                "Check STORAGE_PATH and that the volume is mounted; no backup was removed.");
        }

        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        if (request.Trigger != Trigger.Safety && last is { ContentBytes: > 0 } && !tree.Nodes.Any(n => n.Stat is { Kind: FileKind.File, Size: > 0 }))
        {
            throw new BackupException(
                Fault.StorageMissing,
                $"The storage folder {folders.Storage} is empty, and the last backup {last.Name} was not.",
                "Check that the volume is mounted, or restore a backup; no backup was removed.");
        }

        return tree;
    }

    private async Task<(string Name, ArchiveFacts Facts)> WriteAsync(CreateRequest request, StorageTree tree, IReadOnlyList<CapturedSource> captured, OperationContext context)
    {
        var createdAt = clock.GetUtcNow();
        var name = BackupName.Next(createdAt, taken => Posix.FindStat(catalog.PathOf(taken)) is not null);
        context.BackupName = name;
        var files = captured.SelectMany(c => c.Capture?.Files ?? []).ToList();
        var contentBytes = files.Sum(f => f.HardLinkTo is null && f.Stat.Kind == FileKind.File ? f.Stat.Size : 0);
        var manifest = new Manifest
        {
            Sequence = sequence.Take(),
            CreatedAt = createdAt,
            Trigger = request.Trigger,
            Label = request.Label,
            ServiceVersion = Version,
            Sources = [.. captured.Select(c => c.ToManifest())],
            Application = request.Metadata ?? ApplicationFacts.Read(folders.Storage),
            Entries = files.Count,
            ContentBytes = contentBytes,
        };

        var partial = catalog.PathOf(name) + AtomicFile.PartialSuffix;
        context.Progress.Enter("write", contentBytes, files.Count);
        try
        {
            var facts = await writer.WriteAsync(
                partial,
                new ArchiveRequest
                {
                    Files = files,
                    Manifest = _ => Task.FromResult(manifest),
                    Report = (seen, _) => Task.FromResult(Describe(captured, tree, seen)),
                },
                context.Progress,
                context.Cancellation);
            AtomicFile.GiveToFolderOwner(partial);
            AtomicFile.PublishNew(partial, catalog.PathOf(name), facts.SizeBytes);
            return (name, facts);
        }
        catch
        {
            AtomicFile.Discard(partial);
            throw;
        }
    }

    private static Report Describe(IReadOnlyList<CapturedSource> captured, StorageTree tree, WriterObservations seen)
    {
        var sources = captured.Select(c => c.ToManifest()).ToList();
        var unreadable = seen.Unreadable.Concat(tree.Unreadable).ToList();
        var isWhole = unreadable.Count == 0 && sources.TrueForAll(s => s.CapturedAt is not null && s.Errors.Count == 0);
        return new Report
        {
            Outcome = isWhole ? Outcome.Ok : Outcome.Partial,
            Verification = isWhole && sources.Count > 0 ? sources.Min(s => s.Verification) : VerificationLevel.None,
            Proven = unreadable.Count == 0 && sources.TrueForAll(s => s.IsProven),
            Errors = [.. sources.SelectMany(s => s.Errors), .. unreadable],
            Warnings = [.. sources.SelectMany(s => s.Warnings), .. seen.ChangedWhileRead, .. seen.Vanished],
            Skipped = tree.Skipped,
            Entries = seen.Entries,
            ContentBytes = seen.ContentBytes,
        };
    }

    private Backup Record(string name, ArchiveFacts archive, IReadOnlyList<CapturedSource> captured, StorageTree tree, OperationContext context)
    {
        var backup = catalog.Record(name, _ => new BackupState
        {
            Sha256 = archive.Sha256,
            Manifest = archive.Manifest,
            Report = archive.Report,
            VerifiedAt = clock.GetUtcNow(),
            TreeDigest = TreeDigest.Of(tree),
        });
        context.Outcome = backup.Outcome;
        context.Summary = string.Create(
            CultureInfo.InvariantCulture,
            $"{archive.Observations.Entries} entries, {archive.Observations.ContentBytes} bytes in {archive.SizeBytes}, {captured.Count} sources, {backup.Warnings.Count} warnings, {backup.Errors.Count} errors");
        return backup;
    }

    private static HashSet<string> DatabaseFilesOf(IReadOnlyList<FoundSource> sources) =>
        sources.Where(s => s.Source.Engine != Source.PlainFiles).SelectMany(s => s.Source.Files).ToHashSet(StringComparer.Ordinal);

    private static long ContentBytes(StorageTree tree, Func<string, bool> isCounted) =>
        tree.Nodes.Where(n => n.Stat.Kind == FileKind.File && isCounted(n.Path)).Sum(n => n.Stat.Size);
}
