using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A database that the newest backup on its line holds.</summary>
/// <param name="Source">As that backup says.</param>
/// <param name="Line">The backups that led to what it is now, newest first.</param>
internal sealed record KnownDatabase(ManifestSource Source, IReadOnlyList<Backup> Line);

/// <summary>A known database that is not well.</summary>
/// <param name="Found">As it was recognised; null when it is missing or was not.</param>
/// <param name="Verdict">What its engine said; null when it is missing or not recognised.</param>
/// <param name="Tree">Storage as it was looked at.</param>
internal sealed record Wound(KnownDatabase Database, string What, FoundSource? Found, Verdict? Verdict, StorageTree Tree)
{
    /// <summary>What it still shows; null until that is asked.</summary>
    public Shown? Shown { get; init; }

    /// <summary>Entries in all, where it shows so many of each kind.</summary>
    public long Total(IReadOnlyDictionary<string, long>? counts) => counts is null ? 0 : (Source with { Counts = counts }).Total;

    /// <summary>Of all that lies under its name.</summary>
    public long Bytes => Tree.Find(PathText.Parse(Source.Name)) is { Stat.Kind: FileKind.Directory } folder
        ? Tree.Below(folder.Path).Where(node => node.Stat.Kind == FileKind.File).Sum(node => node.Stat.Size)
        : Tree.Find(PathText.Parse(Source.Name))?.Stat.Size ?? 0;

    public ManifestSource Source => Database.Source;

    public IReadOnlyList<Backup> Line => Database.Line;
}

/// <summary>What became of a wound.</summary>
/// <param name="Open">Its journal could be brought to no end.</param>
/// <param name="Refused">No backup is to blame: the disk, or an application by its hook.</param>
internal sealed record Treated(Finding Told, bool IsHealed = false, BackupException? Open = null, BackupException? Refused = null);
