using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Counts what a damaged database still shows where its check came to no count, for instance because the file ends too early or its list of tables is torn: by bringing it out beside, and throwing that away.</summary>
internal static class CountShown
{
    /// <summary>A start waits for this. Beyond it the database shows nothing that is known of; what is replaced goes into quarantine either way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <param name="captured">With its verdict.</param>
    /// <param name="copy">Folder of the quiet copy that was judged; where none could be taken, the files are copied there as they lie.</param>
    /// <param name="scratch">A folder that does not exist; it is gone afterwards.</param>
    /// <returns>The verdict, with counts where there are some.</returns>
    public static async Task<Verdict> RunAsync(FoundSource found, StorageTree tree, CapturedSource captured, string copy, string scratch, CancellationToken ct)
    {
        var verdict = captured.Verdict!;
        if (verdict.Counts.Count > 0 || found.Engine is not ISalvage salvage)
        {
            return verdict;
        }

        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(Patience);
        try
        {
            if (captured.Capture is null)
            {
                CopyDamaged.AsItLies(found, tree, copy, late.Token);
            }

            Posix.MakeFolder(scratch);
            return verdict with { Counts = (await salvage.SalvageAsync(found.Source, copy, scratch, late.Token)).Counts };
        }
        catch (Exception e) when (e is BackupException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return verdict;
        }
        finally
        {
            TreeRemoval.Remove(scratch);
        }
    }
}
