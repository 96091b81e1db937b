using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A database that the newest backup on its line holds.</summary>
/// <param name="Source">As that backup says.</param>
/// <param name="Line">The backups that led to what it is now, newest first.</param>
internal sealed record KnownDatabase(ManifestSource Source, IReadOnlyList<Backup> Line);

/// <summary>A known database that is not well.</summary>
/// <param name="Verdict">What its engine said; null when it is missing or not recognised.</param>
/// <param name="Tree">Storage as it was looked at.</param>
internal sealed record Wound(KnownDatabase Database, string What, Verdict? Verdict, StorageTree Tree)
{
    public ManifestSource Source => Database.Source;

    public IReadOnlyList<Backup> Line => Database.Line;
}

/// <summary>What became of a wound.</summary>
/// <param name="Open">Its journal could be brought to no end.</param>
/// <param name="Refused">No backup is to blame: the disk, or an application by its hook.</param>
internal sealed record Treated(Finding Told, bool IsHealed = false, BackupException? Open = null, BackupException? Refused = null);
