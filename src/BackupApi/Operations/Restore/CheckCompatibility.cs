using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Whether a backup fits what the application declares of itself now.</summary>
internal sealed class CheckCompatibility(WorkFolders folders, ServiceSettings settings)
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

        Require(manifest.Application, force);
    }

    /// <summary>The same for an archive without a manifest: by the file that the application left in what was unpacked.</summary>
    /// <exception cref="BackupException">As above.</exception>
    public void Require(JsonElement? facts, bool force)
    {
        if (!force && facts is { } then && ApplicationFacts.Now(ApplicationFacts.Read(folders.Storage), settings.Application) is { } now)
        {
            ApplicationFit.Require(then, now);
        }
    }
}
