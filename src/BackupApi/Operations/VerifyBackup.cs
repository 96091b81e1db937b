using System.Globalization;
using BackupApi.Archive;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Reads a backup whole and records what was found beside it.</summary>
internal sealed class VerifyBackup(BackupCatalog catalog, ArchiveReader reader, TimeProvider clock)
{
    public async Task<VerifyResult> RunAsync(string name, OperationContext context)
    {
        var began = clock.GetTimestamp();
        var backup = catalog.Find(name) ?? throw NoSuchBackup(name);
        context.BackupName = name;
        context.Progress.Enter("verify", backup.SizeBytes);
        var proof = await ProveAsync(backup, context);

        var errors = proof.Errors;
        if (backup.Sha256 is not null && backup.Sha256 != proof.Sha256 && errors.Count == 0)
        {
            errors = [new Finding(PathText.Show(name), "The file is not the one that was written: its SHA-256 differs, although it is whole in itself.")];
        }

        var damage = errors.Count == 0 ? null : $"{errors[0].Where}: {errors[0].Message}";
        backup = catalog.Record(name, state => state with
        {
            Sha256 = state.Sha256 ?? proof.Sha256,
            Manifest = proof.Manifest ?? state.Manifest,
            Report = proof.Report ?? state.Report,
            VerifiedAt = clock.GetUtcNow(),
            Damage = damage,
            DamagedAt = damage is null ? null : state.DamagedAt ?? clock.GetUtcNow(),
        });
        context.Outcome = damage is null ? Outcome.Ok : Outcome.Failed;
        context.Summary = damage ?? string.Create(CultureInfo.InvariantCulture, $"{proof.Entries} entries, {proof.ContentBytes} bytes: whole");
        return new VerifyResult
        {
            Backup = backup,
            IsWhole = damage is null,
            Errors = errors,
            Entries = proof.Entries,
            ContentBytes = proof.ContentBytes,
            Duration = clock.GetElapsedTime(began),
        };
    }

    /// <summary>An archive that no passphrase opens is not damaged by that: only where its bytes are others than those that were written.</summary>
    private async Task<ArchiveProof> ProveAsync(Backup backup, OperationContext context)
    {
        try
        {
            return await reader.VerifyAsync(backup.Path, ArchiveLimits.None, context.Progress, context.Cancellation);
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveLocked && backup.Sha256 is not null)
        {
            var sha256 = await ArchiveReader.HashAsync(backup.Path, context.Cancellation);
            if (sha256 == backup.Sha256)
            {
                throw;
            }

            return new ArchiveProof { Sha256 = sha256, Entries = 0, ContentBytes = 0, Errors = [new Finding(PathText.Show(backup.Name), $"The file is not the one that was written: its SHA-256 differs. {e.Message}")], HasChecksums = false };
        }
    }

    public static BackupException NoSuchBackup(string name) => new(
        Fault.NotFound,
        $"There is no backup '{name}'.",
        "GET /api/backup/list names those there are.");
}
