using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What hangs on a restore that came to its end, settled before its journal goes. A kill or an error in between leaves the journal, and the next start, or the next restore, settles it again.</summary>
internal sealed class SettleRestore(WorkFolders folders, BackupCatalog catalog, LastRestore lastRestore, RestoreFolder restoreFolder, HealMemory healMemory)
{
    /// <summary>Rotation keeps the last safety backups apart; an ordinary backup that serves as one is kept by this.</summary>
    private const string WayBack = "the way back from the last restore";

    /// <summary>Storage is new.</summary>
    /// <param name="origin">Null when the journal does not say whose it was.</param>
    /// <returns>What a person should know: restores that were called off by this one.</returns>
    /// <exception cref="IOException">The journal stays.</exception>
    public IReadOnlyList<Finding> Applied(SwapFolder folder, RestoreOrigin? origin)
    {
        IReadOnlyList<Finding> told = [];
        if (origin is { IsHealing: true })
        {
            foreach (var healed in origin.Paths)
            {
                healMemory.RememberHealing(healed, origin.After ?? long.MaxValue, origin.At);
            }
        }
        else
        {
            Record(folder, origin);
            told = CallOffStaged(folder);
            KeptSwap.RemoveAll(folders.Storage);
        }

        if (origin?.Claim is { } claim)
        {
            restoreFolder.Finish(claim);
        }

        if (origin is { KeepsReplaced: true })
        {
            KeptSwap.Keep(folder);
        }
        else
        {
            folder.Remove();
        }

        return told;
    }

    /// <summary>Storage is what it was before an earlier restore, because an undo by kept files asked for it.</summary>
    /// <returns>As above.</returns>
    /// <exception cref="IOException">The journal stays.</exception>
    public IReadOnlyList<Finding> TakenBack(SwapFolder folder, RestoreOrigin origin)
    {
        Record(folder, origin);
        var told = CallOffStaged(folder);
        folder.Remove();
        return told;
    }

    private void Record(SwapFolder folder, RestoreOrigin? origin)
    {
        if (origin is not null)
        {
            lastRestore.Write(origin.Id.Length > 0 ? origin : origin with { Id = folder.Id });
            HoldTheWayBack(lastRestore.Find()?.SafetyBackup);
        }
    }

    private void HoldTheWayBack(string? safety)
    {
        foreach (var backup in catalog.List().Where(backup => backup.Name != safety && backup.Pins.Contains(WayBack, StringComparer.Ordinal)))
        {
            catalog.Record(backup.Name, state => state with { Pins = [.. state.Pins.Where(pin => pin != WayBack)] });
        }

        if (safety is not null && catalog.Find(safety) is { IsSafety: false } held && !held.Pins.Contains(WayBack, StringComparer.Ordinal))
        {
            catalog.Record(held.Name, state => state with { Pins = [.. state.Pins, WayBack] });
        }
    }

    /// <summary>What was asked for later goes before what still waits: it must not come over it at the next start.</summary>
    /// <exception cref="IOException">One of them may still wait.</exception>
    public IReadOnlyList<Finding> CallOffStaged(SwapFolder folder)
    {
        var told = new List<Finding>();
        foreach (var older in SwapFolder.FindAll(folders.Storage).Where(older => older.Id != folder.Id && older.ReadState() == SwapState.Staged))
        {
            told.Add(new Finding(older.ReadOrigin<RestoreOrigin>()?.BackupName ?? older.Id, "Its restore waited for the next start, and was called off by this later one."));
            older.Remove();
        }

        return told;
    }
}
