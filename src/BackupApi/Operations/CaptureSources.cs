using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>One source after capture and verification.</summary>
/// <param name="Capture">Null when it could not be captured: <paramref name="Verdict"/> says why.</param>
internal sealed record CapturedSource(Source Source, Capture? Capture, Verdict Verdict)
{
    public ManifestSource ToManifest() => new()
    {
        Name = PathText.Show(Source.Name),
        Engine = Source.Engine,
        Variant = Source.Variant,
        CapturedAt = Capture?.CapturedAt,
        Method = Capture?.Method,
        Attempts = Capture?.Attempts ?? 0,
        OwnerHeldMs = (long)(Capture?.OwnerHeld.TotalMilliseconds ?? 0),
        Files = Capture?.Files.Count(f => f.Stat.Kind == FileKind.File) ?? 0,
        Bytes = Capture?.Files.Sum(f => f.Stat.Kind == FileKind.File && f.HardLinkTo is null ? f.Stat.Size : 0) ?? 0,
        Counts = Verdict.Counts,
        Verification = Verdict.Level,
        BestVerification = Verdict.BestLevel,
        Reason = Verdict.Reason,
        Errors = Verdict.Errors,
        Warnings = [.. Verdict.Warnings, .. Capture?.Warnings ?? []],
        Notes = Verdict.Notes,
    };
}

/// <summary>Phase of a backup: captures the sources of a tree close together, and verifies the copies.</summary>
internal static class CaptureSources
{
    /// <summary>How often a copy that does not stand its verification is taken anew before the source itself is called damaged.</summary>
    public const int MaxTries = 3;

    /// <summary>Captures and verifies. A source that cannot be captured, or stays damaged, is in the answer all the same.</summary>
    /// <param name="staging">An existing folder; each source gets one of its own below it.</param>
    public static async Task<IReadOnlyList<CapturedSource>> RunAsync(IReadOnlyList<FoundSource> sources, StorageTree tree, string staging, Progress progress, CancellationToken ct)
    {
        progress.Enter("capture", newFilesTotal: sources.Count);
        var captured = new CapturedSource[sources.Count];
        for (var i = 0; i < sources.Count; i++)
        {
            captured[i] = await CaptureAsync(sources[i], tree, FolderOf(staging, i), ct);
            progress.AddFiles();
        }

        progress.Enter("verify", newFilesTotal: sources.Count);
        for (var i = 0; i < sources.Count; i++)
        {
            captured[i] = await VerifyAsync(sources[i].Engine, captured[i], FolderOf(staging, i), ct);
            for (var attempt = 2; attempt <= MaxTries && captured[i] is { Capture: not null, Verdict.IsDamaged: true }; attempt++)
            {
                TreeRemoval.Remove(FolderOf(staging, i));
                var again = await CaptureAsync(sources[i], tree, FolderOf(staging, i), ct);
                captured[i] = await VerifyAsync(sources[i].Engine, again with { Capture = again.Capture is { } capture ? capture with { Attempts = attempt } : null }, FolderOf(staging, i), ct);
            }

            progress.AddFiles();
        }

        return captured;
    }

    private static string FolderOf(string staging, int index) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{staging}/{index}");

    private static async Task<CapturedSource> CaptureAsync(FoundSource found, StorageTree tree, string into, CancellationToken ct)
    {
        Posix.MakeFolder(into);
        try
        {
            return new CapturedSource(found.Source, await found.Engine.CaptureAsync(found.Source, tree, into, ct), NotVerifiedYet);
        }
        catch (BackupException e) when (e.Fault is not (Fault.Cancelled or Fault.NoRoom))
        {
            return Missing(found.Source, $"{e.Message} {e.Hint}");
        }
        catch (IOException e) when (e.HResult is not (Errno.ENOSPC or Errno.EDQUOT))
        {
            return Missing(found.Source, e.Message);
        }
    }

    private static async Task<CapturedSource> VerifyAsync(IEngine engine, CapturedSource captured, string folder, CancellationToken ct) =>
        captured.Capture is null ? captured : captured with { Verdict = await engine.VerifyAsync(captured.Source, folder, ct) };

    private static Verdict NotVerifiedYet { get; } = new() { Level = VerificationLevel.None, BestLevel = VerificationLevel.Engine };

    private static CapturedSource Missing(Source source, string why) => new(source, null, new Verdict
    {
        Level = VerificationLevel.None,
        BestLevel = VerificationLevel.Engine,
        Reason = $"not in this backup: {why}",
        Errors = [new Finding(PathText.Show(source.Name), why)],
    });
}
