using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Whether a backup fits what the application declares of itself now.</summary>
internal sealed class CheckCompatibility(WorkFolders folders)
{
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/> with both values, unless <paramref name="force"/>.</exception>
    public void Require(Manifest? manifest, bool force)
    {
        if (manifest is null)
        {
            return;
        }

        if (manifest.FormatVersion > Manifest.CurrentFormatVersion)
        {
            throw new BackupException(
                Fault.ArchiveIncompatible,
                $"The backup has format {manifest.FormatVersion}, and this service reads up to {Manifest.CurrentFormatVersion}.",
                "Restore it with the newer service that wrote it, or unpack it with tar.");
        }

        if (!force && ApplicationFacts.Read(folders.Storage) is { } now && manifest.Application is { } then)
        {
            ApplicationFit.Require(then, now);
        }
    }
}
