using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>How much a damaged database still shows.</summary>
/// <param name="Entries">At least so many.</param>
/// <param name="Unknown">Why that could not be counted to the end; null when it could.</param>
internal sealed record Shown(long Entries, string? Unknown = null);

/// <summary>Counts what a damaged database still shows where its check came to no count of all that a backup holds, or it is not recognised any more: by bringing it out beside, and throwing that away. For one start.</summary>
internal sealed class CountShown(WorkFolders folders, IReadOnlyList<IEngine> engines, PredictRoom room, DiskGuard guard, TimeProvider clock)
{
    /// <summary>The start waits so long for all of them together.</summary>
    private TimeSpan left = TimeSpan.FromMinutes(2);

    /// <param name="candidate">The database in the backup that would replace it.</param>
    /// <param name="id">Of a staging folder.</param>
    public async Task<Shown> RunAsync(Wound wound, ManifestSource candidate, string id, CancellationToken ct)
    {
        var counts = wound.Verdict?.Counts;
        var counted = wound.Total(counts);
        if (candidate.Counts.Keys.All(name => counts?.ContainsKey(name) == true) || Find(wound) is not { Engine: ISalvage salvage } found)
        {
            return new Shown(counted);
        }

        var copy = room.OfCopies(wound.Tree, [found]);
        if (!guard.HasRoom([copy with { Bytes = 3 * copy.Bytes }]))
        {
            return new Shown(counted, "there is no room for a copy to count in");
        }

        var began = clock.GetTimestamp();
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(left);
        try
        {
            var brought = await guard.WhileRoomAsync("Counting", [folders.Backups], token => SalvageAsync(found, salvage, wound.Tree, id, token), late.Token);
            return new Shown(Math.Max(counted, wound.Total(brought)));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new Shown(counted, "a start waits two minutes for that at most");
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return new Shown(counted, e.Message.TrimEnd('.'));
        }
        finally
        {
            left = TimeSpan.FromTicks(Math.Max(1, (left - clock.GetElapsedTime(began)).Ticks));
        }
    }

    private async Task<IReadOnlyDictionary<string, long>> SalvageAsync(FoundSource found, ISalvage salvage, StorageTree tree, string id, CancellationToken ct)
    {
        var staging = folders.NewStaging(id);
        try
        {
            var (copy, scratch) = ($"{staging}/copy", $"{staging}/shown");
            Posix.MakeFolder(copy);
            Posix.MakeFolder(scratch);
            await CopyDamaged.RunAsync(found, tree, copy, ct);
            return (await salvage.SalvageAsync(found.Source, copy, scratch, ct)).Counts;
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }
    }

    /// <summary>As it was recognised, or as the backup knew it; null when it is missing.</summary>
    private FoundSource? Find(Wound wound) =>
        wound.Found ?? (engines.FirstOrDefault(engine => engine.Kind == wound.Source.Engine) is { } engine ? DamagedSource.Find(wound.Tree, wound.Source.Name, engine, wound.Source.Variant) : null);
}
