using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A source of an unpacked archive and what its engine says of it.</summary>
internal sealed record CheckedSource(FoundSource Found, Verdict Verdict);

/// <summary>Phase of a restore: every database of the unpacked copy is opened and walked before storage is touched.</summary>
internal static class CheckUnpacked
{
    /// <summary>Verifies what was recognised in <paramref name="tree"/>.</summary>
    /// <param name="manifest">Null for an archive that carries none of ours.</param>
    /// <param name="damaged">Databases that are known to have been damaged when they were captured: they come back as they were.</param>
    /// <param name="isSelected">What the restore is about; sources outside of it are no business of this check.</param>
    /// <exception cref="BackupException"><see cref="Fault.VerificationFailed"/>, unless <paramref name="force"/>: a source is damaged that was not when it was captured, or one that the manifest lists is not there.</exception>
    public static async Task<IReadOnlyList<CheckedSource>> RunAsync(StorageTree tree, IReadOnlyList<FoundSource> sources, Manifest? manifest, IReadOnlyList<string> damaged, Func<string, bool> isSelected, bool force, Progress progress, CancellationToken ct)
    {
        var found = sources.Where(source => source.Source.Engine != Source.PlainFiles).ToList();
        progress.Enter("check", newFilesTotal: found.Count);
        var results = new List<CheckedSource>();
        foreach (var source in found)
        {
            results.Add(new CheckedSource(source, await source.Engine.VerifyAsync(source.Source, tree.Root, ct)));
            progress.AddFiles();
        }

        if (!force)
        {
            Require(results, manifest, damaged, isSelected);
        }

        return results;
    }

    private static void Require(List<CheckedSource> results, Manifest? manifest, IReadOnlyList<string> known, Func<string, bool> isSelected)
    {
        if (results.Find(result => result.Verdict.IsDamaged && !known.Contains(PathText.Show(result.Found.Source.Name), StringComparer.Ordinal)) is { } damaged)
        {
            throw new BackupException(
                Fault.VerificationFailed,
                $"{PathText.Show(damaged.Found.Source.Name)} in this backup is damaged: {damaged.Verdict.Errors[0].Where}: {damaged.Verdict.Errors[0].Message}",
                "Restore an older backup, or only other 'paths' of this one, or ask again with 'force' to take it as it is.");
        }

        var missing = manifest?.Sources.FirstOrDefault(source => source.Engine != Source.PlainFiles && isSelected(PathText.Parse(source.Name))
            && !results.Exists(result => PathText.Show(result.Found.Source.Name) == source.Name));
        if (missing is not null)
        {
            throw new BackupException(
                Fault.VerificationFailed,
                missing.CapturedAt is null
                    ? $"{missing.Name} is not in this backup: {missing.Reason}"
                    : $"{missing.Name} should be in this backup and was not found in what was unpacked.",
                "Restore an older backup, or only other 'paths' of this one, or ask again with 'force' to go without it.");
        }
    }
}
