using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>How a check of the live databases ended.</summary>
/// <param name="Databases">Each database as it was found now, in the order of the walk.</param>
internal sealed record DatabasesResult(IReadOnlyList<DatabaseFacts> Databases, TimeSpan Duration)
{
    public bool AreWhole => Databases.All(d => d.Errors.Count == 0);
}

/// <summary>Checks the live databases now: each is captured and the copy verified, whatever the fingerprints say. Nothing is archived.</summary>
internal sealed class VerifyDatabases(WorkFolders folders, FindSources findSources, DatabaseChecks checks, PredictRoom room, DiskGuard guard, Restore.Doubt doubt, TimeProvider clock)
{
    /// <param name="name">Only the database of this name, as the answers show it; null for all.</param>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>: no database of that name.</exception>
    public async Task<DatabasesResult> RunAsync(string? name, OperationContext context)
    {
        var began = clock.GetTimestamp();
        context.Progress.Enter("walk");
        LookAtStorage.RequireFolder(folders.Storage);
        var tree = TreeWalker.Walk(folders.Storage, folders.Own().Contains, context.Cancellation);
        var databases = findSources.In(tree)
            .Where(s => s.Source.Engine != Source.PlainFiles && (name is null || PathText.Show(s.Source.Name) == name))
            .ToList();
        if (name is not null && databases.Count == 0)
        {
            throw new BackupException(Fault.NotFound, $"There is no database '{name}' in storage.", "GET /api/databases names those there are.");
        }

        guard.Require("This check", [room.OfCopies(tree, databases)]);
        return await guard.WhileRoomAsync("This check", [folders.Backups], ct => CheckAsync(databases, tree, isComplete: name is null, began, context, ct), context.Cancellation);
    }

    private async Task<DatabasesResult> CheckAsync(IReadOnlyList<FoundSource> databases, StorageTree tree, bool isComplete, long began, OperationContext context, CancellationToken ct)
    {
        var staging = folders.NewStaging(context.Id);
        try
        {
            var capture = new CaptureSources(databases, tree, staging);
            await capture.CaptureAsync(context.Progress, ct);
            await capture.SettleAsync(context.Progress, ct);
            var found = capture.Results.Select(c => c.ToManifest()).ToList();
            checks.Record(found, clock.GetUtcNow(), isComplete);
            var damaged = found.Count(s => s.Errors.Count > 0);
            if (isComplete && damaged == 0)
            {
                doubt.End();
            }

            context.Outcome = damaged == 0 ? Outcome.Ok : Outcome.Partial;
            context.Summary = string.Create(CultureInfo.InvariantCulture, $"{found.Count} databases checked, {damaged} damaged or not readable");
            return new DatabasesResult([.. found.Select(s => checks.Describe(s))], clock.GetElapsedTime(began));
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }
    }
}
