using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>One source after its capture, and after its verification once that is done.</summary>
/// <param name="Capture">Null when it could not be captured: <paramref name="Verdict"/> says why.</param>
/// <param name="Verdict">Null while the copy was not verified yet.</param>
internal sealed record CapturedSource(Source Source, Capture? Capture, Verdict? Verdict)
{
    /// <summary>The backup whose capture and verdict these are, because nothing of the source changed since; null when it was captured now.</summary>
    public string? InheritedFrom { get; init; }

    public static CapturedSource Missing(Source source, string why) => new(source, null, new Verdict
    {
        Level = VerificationLevel.None,
        BestLevel = VerificationLevel.Engine,
        Reason = $"not in this backup: {why}",
        Errors = [new Finding(PathText.Show(source.Name), why)],
    });

    /// <exception cref="InvalidOperationException">It was not verified yet.</exception>
    public ManifestSource ToManifest()
    {
        var verdict = Verdict ?? throw new InvalidOperationException($"{Source.Name} goes into a manifest before it was verified.");
        return new ManifestSource
        {
            Name = PathText.Show(Source.Name),
            Engine = Source.Engine,
            Variant = Source.Variant,
            Role = Source.Role,
            CapturedAt = Capture?.CapturedAt,
            Method = Capture?.Method,
            Attempts = Capture?.Attempts ?? 0,
            OwnerHeldMs = (long)(Capture?.OwnerHeld.TotalMilliseconds ?? 0),
            Files = Capture?.Files.Count(f => f.Stat.Kind == FileKind.File) ?? 0,
            Bytes = Capture?.Files.Sum(f => f.Stat.Kind == FileKind.File && f.HardLinkTo is null ? f.Stat.Size : 0) ?? 0,
            Counts = verdict.Counts,
            Verification = verdict.Level,
            BestVerification = verdict.BestLevel,
            Reason = verdict.Reason,
            Errors = verdict.Errors,
            Warnings = [.. verdict.Warnings, .. Capture?.Warnings ?? []],
            Notes = verdict.Notes,
            InheritedFrom = InheritedFrom,
        };
    }
}
