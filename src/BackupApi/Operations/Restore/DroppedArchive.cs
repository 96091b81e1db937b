using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>One archive in the restore folder, or one database as it is.</summary>
internal sealed record DroppedArchive(string Name, string Path, FileStat Stat)
{
    /// <summary>Null for an archive.</summary>
    public BareDatabase? Bare { get; init; }

    /// <summary>All its files, absolute.</summary>
    public IReadOnlyList<string> Files => Bare?.Files ?? [Path];

    /// <summary>Differs whenever anything of it changed.</summary>
    public string Seen => Bare?.Digest ?? Stat.Fingerprint.ToString();

    /// <summary>Its name while it is claimed, and where it is put away.</summary>
    public string ClaimName => Bare is { SideFiles.Count: > 0 } ? Name + ClaimedSet.Ending : Name;

    /// <summary>The person who dropped it insists: it is restored although it does not fit what lives in storage.</summary>
    public bool IsForced => RestoreFolder.StemOf(Name).EndsWith(".force", StringComparison.OrdinalIgnoreCase);
}
