using System.Globalization;
using System.Text.Json;
using BackupApi.Archive.Foreign;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Operations;

/// <summary>A restore drill: a backup is verified, unpacked and checked by the very phases of a restore, into a scratch folder that nobody uses. Nothing of storage is touched.</summary>
internal sealed class DrillRestore(WorkFolders folders, FindSources findSources, AnyArchive archives, BackupCatalog catalog, ServiceSettings settings, DiskGuard guard, TimeProvider clock)
{
    private DrillResult? last;
    private bool isLoaded;

    private string Path => $"{folders.State}/drill.json";

    /// <summary>How the last drill went; null when there was none yet.</summary>
    public DrillResult? Last
    {
        get
        {
            if (!isLoaded)
            {
                (last, isLoaded) = (Load(), true);
            }

            return last;
        }
    }

    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/>: nothing is said of the backup. Everything else is: it would not have come back.</exception>
    public async Task<DrillResult> RunAsync(Backup backup, OperationContext context)
    {
        var began = clock.GetTimestamp();
        context.BackupName = backup.Name;
        var (manifest, _) = await archives.ReadFactsAsync(backup.Path, context.Cancellation);
        guard.Require("This drill", [new RoomNeed(folders.Backups, RestoreRoom.Needed(backup.ContentBytes, manifest?.Entries ?? 0), "for what is unpacked")], spare: backup.Name);

        var scratch = folders.NewStaging(context.Id);
        try
        {
            await guard.WhileRoomAsync("This drill", [folders.Backups], ct => RehearseAsync(backup, scratch, context, ct), context.Cancellation);
            return Record(new DrillResult(backup.Name, Outcome.Ok, (long)clock.GetElapsedTime(began).TotalMilliseconds, clock.GetUtcNow(), null));
        }
        catch (BackupException e) when (e.Fault is not (Fault.Cancelled or Fault.NoRoom))
        {
            Record(new DrillResult(backup.Name, Outcome.Failed, (long)clock.GetElapsedTime(began).TotalMilliseconds, clock.GetUtcNow(), e.Message));
            throw;
        }
        finally
        {
            TreeRemoval.Remove(scratch);
        }
    }

    /// <summary>Gives the number of databases that came back whole.</summary>
    private async Task<int> RehearseAsync(Backup backup, string scratch, OperationContext context, CancellationToken ct)
    {
        var limits = new Archive.ArchiveLimits(MountFacts.Of(settings.BackupsPath).FreeBytes - settings.MinFreeBytes);
        context.Progress.Enter("verify", backup.SizeBytes);
        var proof = await archives.VerifyAsync(backup.Path, limits, context.Progress, ct);
        if (proof.Errors.Count > 0)
        {
            throw new BackupException(Fault.ArchiveDamaged, $"{backup.Name} is damaged: {proof.Errors[0].Where}: {proof.Errors[0].Message}", "Take a new backup now, and look at the disk that holds this one.");
        }

        context.Progress.Enter("unpack", proof.ContentBytes, proof.Entries);
        await archives.UnpackAsync(backup.Path, scratch, limits, context.Progress, ct);
        var damaged = (proof.Manifest?.Sources ?? []).Where(s => s.Errors.Count > 0).Select(s => s.Name).ToList();
        var tree = TreeWalker.Walk(scratch, static (path, _) => SwapFolder.IsReserved(path), ct);
        var checkedSources = await CheckUnpacked.RunAsync(tree, findSources.In(tree), proof.Manifest, damaged, static _ => true, force: false, context.Progress, ct);
        context.Summary = string.Create(CultureInfo.InvariantCulture, $"{proof.Entries} entries, {proof.ContentBytes} bytes came back, {checkedSources.Count} databases whole");
        return checkedSources.Count;
    }

    private DrillResult Record(DrillResult result)
    {
        catalog.Record(result.Backup, state => result.Outcome == Outcome.Ok
            ? state with { DrilledAt = result.At, VerifiedAt = result.At, Damage = null }
            : state with { DrilledAt = null });
        (last, isLoaded) = (result, true);
        AtomicFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(result, Json.Indented));
        return result;
    }

    private DrillResult? Load()
    {
        try
        {
            return File.Exists(Path) ? JsonSerializer.Deserialize<DrillResult>(File.ReadAllBytes(Path), Json.Options) : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
