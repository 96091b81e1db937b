using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Phase of a restore: looks at storage after the swap. What it finds takes the swap back.</summary>
internal sealed class CheckInPlace(FindSources findSources, WorkFolders folders)
{
    /// <summary>Every step led to what it should, and each database stands where it was put and verifies.</summary>
    /// <param name="sources">As they were checked in the staged tree; those that were damaged there (by <c>force</c>) are not asked again.</param>
    public async Task<IReadOnlyList<Finding>> RunAsync(SwapPlan plan, IReadOnlyList<CheckedSource> sources, CancellationToken ct)
    {
        var problems = plan.Steps.Where(step => Posix.FindStat($"{folders.Storage}/{step.Path}") is null != (step.Action == SwapAction.Remove))
            .Select(step => new Finding(PathText.Show(step.Path), step.Action == SwapAction.Remove ? "It came back while it was being removed." : "It is not there after it was put in place."))
            .Take(Verdict.MaxFindings).ToList();
        foreach (var (found, before) in sources.Where(source => !source.Verdict.IsDamaged && IsTouched(plan, source.Found.Source) && CanBeReadInPlace(source.Found.Source)))
        {
            var verdict = await found.Engine.VerifyAsync(found.Source, folders.Storage, ct);
            problems.AddRange(verdict.Errors.Select(error => new Finding(error.Where, $"After the restore: {error.Message}")).Take(Verdict.MaxFindings));
            if (!verdict.IsDamaged && verdict.Level < before.Level)
            {
                problems.Add(new Finding(PathText.Show(found.Source.Name), $"It was verified before it was put in place, and could not be afterwards: {verdict.Reason}"));
            }
        }

        return problems;
    }

    /// <summary>At a start, for a swap that a kill cut short. The application may have run since, so a database that somebody has open is not judged.</summary>
    /// <param name="damaged">Databases that were restored as damaged as they were.</param>
    public async Task<IReadOnlyList<Finding>> RecoverAsync(SwapPlan plan, IReadOnlyList<string> damaged, CancellationToken ct)
    {
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, ct);
        var problems = new List<Finding>();
        foreach (var found in findSources.In(tree).Where(found => found.Source.Engine != Source.PlainFiles && !damaged.Contains(PathText.Show(found.Source.Name), StringComparer.Ordinal) && IsTouched(plan, found.Source) && CanBeReadInPlace(found.Source)))
        {
            var files = found.Source.Files.ToHashSet(StringComparer.Ordinal);
            if (OwnerProbe.Look(tree, files.Contains, ct).State != OwnerState.InUse)
            {
                problems.AddRange((await found.Engine.VerifyAsync(found.Source, folders.Storage, ct)).Errors);
            }
        }

        return problems;
    }

    /// <summary>A database with a log to replay is judged by recovering a copy of it, for which there is no place beside a mounted storage; the staged tree was judged so, and the files are the same.</summary>
    private static bool CanBeReadInPlace(Source source) =>
        !source.Files.Any(file => file.EndsWith("-wal", StringComparison.Ordinal) || file.EndsWith("-journal", StringComparison.Ordinal));

    private static bool IsTouched(SwapPlan plan, Source source)
    {
        var files = source.Files.ToHashSet(StringComparer.Ordinal);
        return plan.Steps.Any(step => files.Contains(step.Path) || source.Name == step.Path
            || step.Path.StartsWith(source.Name + "/", StringComparison.Ordinal) || source.Name.StartsWith(step.Path + "/", StringComparison.Ordinal));
    }
}
