using System.Reflection;
using System.Text.Json;
using BackupApi.Archive;
using BackupApi.Archive.Encryption;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What one backup is written from.</summary>
/// <param name="Files">Everything that goes in.</param>
/// <param name="Verified">Asked once, at the start: the sources with their verdicts, when they are known.</param>
/// <param name="ReferencePath">The archive whose chunks may be carried over; null for a full run.</param>
/// <param name="TrustFingerprints">Whether an unchanged file need not be read.</param>
internal sealed record WritePlan(
    CreateRequest Request,
    StorageTree Tree,
    IReadOnlyList<CapturedFile> Files,
    Func<CancellationToken, Task<IReadOnlyList<CapturedSource>>> Verified,
    string? ReferencePath,
    bool TrustFingerprints)
{
    /// <summary>What was seen before the capture.</summary>
    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    /// <summary>Takes and keeps what is met of damage in the reference archive.</summary>
    public required ReferenceRot Rot { get; init; }
}

/// <summary>Phase of a backup: writes the archive beside its final name and publishes it by rename. A kill before that leaves a <c>.partial</c>, which the next start removes.</summary>
internal sealed class WriteBackup(WorkFolders folders, ArchiveWriter writer, ArchiveWriter scheduledWriter, ArchiveKeys keys, BackupCatalog catalog, SequenceCounter sequence, ServiceSettings settings, TimeProvider clock)
{
    private static readonly string Version =
        typeof(WriteBackup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public async Task<(string Name, ArchiveFacts Facts)> RunAsync(WritePlan plan, OperationContext context, CancellationToken ct)
    {
        var createdAt = clock.GetUtcNow();
        var name = BackupName.Next(createdAt, IsTaken, keys.Encrypt);
        context.BackupName = name;
        IReadOnlyList<ManifestSource> sources = [];
        IReadOnlyList<Finding> passedOver = [];
        var request = new ArchiveRequest
        {
            Files = plan.Files,
            Manifest = async token =>
            {
                sources = [.. (await plan.Verified(token)).Select(source => source.ToManifest())];
                var (application, trouble) = plan.Request.Metadata is { } given ? (given, null) : ApplicationFacts.Look(folders.Storage);
                passedOver = trouble is null ? [] : [trouble];
                token.ThrowIfCancellationRequested();
                return Manifest(plan, createdAt, sources, application);
            },
            Report = (seen, _) => Task.FromResult(Describe(sources, plan, [.. passedOver, .. sources.SelectMany(s => s.Warnings)], seen)),
            ReferencePath = plan.ReferencePath,
            TrustFingerprints = plan.TrustFingerprints,
            OnReferenceRot = plan.Rot.Add,
        };

        var partial = catalog.PathOf(name) + AtomicFile.PartialSuffix;
        try
        {
            var isScheduled = plan.Request.Trigger is Trigger.Schedule or Trigger.Start;
            var facts = await (isScheduled ? scheduledWriter : writer).WriteAsync(partial, request, context.Progress, ct);
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

    /// <summary>Half an archive that the disk did not let go takes its name too.</summary>
    private bool IsTaken(string name) => Posix.FindStat(catalog.PathOf(name)) is not null || Posix.FindStat(catalog.PathOf(name) + AtomicFile.PartialSuffix) is not null;

    private Manifest Manifest(WritePlan plan, DateTimeOffset createdAt, IReadOnlyList<ManifestSource> sources, JsonElement? application) => new()
    {
        Sequence = sequence.Take(),
        CreatedAt = createdAt,
        Trigger = plan.Request.Trigger,
        Label = plan.Request.Label,
        ServiceVersion = Version,
        Sources = sources,
        Application = ApplicationFacts.OfData(application, settings.Application),
        Entries = plan.Files.Count,
        ContentBytes = plan.Files.Sum(f => f.HardLinkTo is null && f.Stat.Kind == FileKind.File ? f.Stat.Size : 0),
    };

    private static Report Describe(IReadOnlyList<ManifestSource> sources, WritePlan plan, IReadOnlyList<Finding> warnings, WriterObservations seen)
    {
        var tree = plan.Tree;
        var unreadable = seen.Unreadable.Concat(tree.Unreadable).ToList();
        var isWhole = unreadable.Count == 0 && sources.All(s => s.CapturedAt is not null && s.Errors.Count == 0);
        return new Report
        {
            Outcome = isWhole ? Outcome.Ok : Outcome.Partial,
            Verification = isWhole ? sources.Where(s => s.Engine != Source.PlainFiles).Select(s => s.Verification).DefaultIfEmpty(VerificationLevel.Archive).Min() : VerificationLevel.None,
            Proven = unreadable.Count == 0 && sources.All(s => s.IsProven),
            Errors = [.. sources.SelectMany(s => s.Errors), .. unreadable],
            Warnings = [.. plan.Warnings, .. warnings, .. seen.ChangedWhileRead, .. seen.Vanished, .. plan.Rot.Findings.Concat(seen.ReferenceRot).Distinct()],
            Skipped = tree.Skipped,
            Entries = seen.Entries,
            ContentBytes = seen.ContentBytes,
        };
    }
}
