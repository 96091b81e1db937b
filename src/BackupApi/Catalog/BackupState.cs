using BackupApi.Model;

namespace BackupApi.Catalog;

/// <summary>What was learned of an archive after it was written, in <c>backup_x.state.json</c> beside it. Losing the file loses no backup.</summary>
internal sealed record BackupState
{
    /// <summary>Size and time of the archive file these facts were read from; others are not believed.</summary>
    public long ArchiveBytes { get; init; }

    /// <summary>Modification time of the archive, in nanoseconds since 1970.</summary>
    public long ArchiveModifiedNs { get; init; }

    public string? Sha256 { get; init; }

    /// <summary>Copies of what the archive says, so that a list need not open every archive.</summary>
    public Manifest? Manifest { get; init; }

    public Report? Report { get; init; }

    /// <summary>Files.TreeDigest of storage as it was walked for this backup; null when it is not known.</summary>
    public string? TreeDigest { get; init; }

    /// <summary>When that walk began.</summary>
    public DateTimeOffset? WalkedAt { get; init; }

    /// <summary>How each database looked when it was captured, by its name.</summary>
    public IReadOnlyDictionary<string, SourceMemory> Memory { get; init; } = new Dictionary<string, SourceMemory>(StringComparer.Ordinal);

    /// <summary>When every file was last read without believing fingerprints, by this backup or one before it.</summary>
    public DateTimeOffset? FullReadAt { get; init; }

    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>When it last came back whole in a restore drill.</summary>
    public DateTimeOffset? DrilledAt { get; init; }

    public string? Damage { get; init; }

    /// <summary>When <see cref="Damage"/> was found first.</summary>
    public DateTimeOffset? DamagedAt { get; init; }

    public DateTimeOffset? ConfirmedAt { get; init; }

    public IReadOnlyList<string> Pins { get; init; } = [];

    public bool Fits(FileStat archive) => ArchiveBytes == archive.Size && ArchiveModifiedNs == Nanoseconds(archive.Modified);

    public BackupState ReadFrom(FileStat archive) => this with { ArchiveBytes = archive.Size, ArchiveModifiedNs = Nanoseconds(archive.Modified) };

    /// <summary>Without what tells of the contents of the archive.</summary>
    public BackupState WithoutContents() => this with { Manifest = null, Report = null, Memory = new BackupState().Memory };

    /// <summary>With them, where they were learned from the same file.</summary>
    public BackupState WithContentsOf(BackupState known) =>
        known.ArchiveBytes == ArchiveBytes && known.ArchiveModifiedNs == ArchiveModifiedNs ? this with { Manifest = known.Manifest, Report = known.Report, Memory = known.Memory } : this;

    private static long Nanoseconds(UnixTime time) => unchecked((time.Seconds * 1_000_000_000) + time.Nanoseconds);
}
