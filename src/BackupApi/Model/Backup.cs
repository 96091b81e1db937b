namespace BackupApi.Model;

/// <summary>An archive and the facts about it.</summary>
internal sealed record Backup
{
    /// <summary>File name: <c>backup_2026-11-20_120000.tar.gz</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Absolute path of the archive.</summary>
    public required string Path { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>Order of backups, from the manifest; 0 for an archive that carries none.</summary>
    public long Sequence { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public string? Label { get; init; }

    public Trigger Trigger { get; init; }

    public Outcome Outcome { get; init; }

    public VerificationLevel Verification { get; init; }

    /// <summary>All its sources reached the best level of their kind.</summary>
    public bool IsProven { get; init; }

    /// <summary>It carries our manifest; only such archives are ever removed by rotation.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The archive is an age file.</summary>
    public bool IsEncrypted => BackupName.IsEncrypted(Name);

    /// <summary>No passphrase opens it: nothing but its file is known. Never removed by rotation.</summary>
    public bool IsLocked { get; init; }

    /// <summary>Taken before a restore; kept apart from rotation.</summary>
    public bool IsSafety => Trigger == Trigger.Safety;

    /// <summary>SHA-256 of the archive file; null when it was never computed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Why it is protected from removal, by whom it was pinned: empty when it is not.</summary>
    public IReadOnlyList<string> Pins { get; init; } = [];

    /// <summary>A later run found nothing changed since: it was still current then.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }

    /// <summary>When it was last read whole.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>What the last full reading, or a later backup that carried over from it, found wrong; null when it was whole.</summary>
    public string? Damage { get; init; }

    /// <summary>When that was found; null when it is not known.</summary>
    public DateTimeOffset? DamagedAt { get; init; }

    /// <summary>The manifest's sources; empty for a foreign archive.</summary>
    public IReadOnlyList<ManifestSource> Sources { get; init; } = [];

    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    public IReadOnlyList<Finding> Errors { get; init; } = [];

    /// <summary>Names that are no data and were left out.</summary>
    public IReadOnlyList<Finding> Skipped { get; init; } = [];

    /// <summary>Bytes of content, before compression; 0 when unknown.</summary>
    public long ContentBytes { get; init; }

    /// <summary>Digest of storage as it was walked for this backup; null when it is not known.</summary>
    public string? TreeDigest { get; init; }

    /// <summary>When storage was walked for this backup: before its databases were captured, and the rest was read; null when it is not known.</summary>
    public DateTimeOffset? WalkedAt { get; init; }

    /// <summary>When every file of storage was last read without believing fingerprints, by this backup or one before it; null when it is not known.</summary>
    public DateTimeOffset? FullReadAt { get; init; }

    /// <summary>How each database looked when it was captured, by its name.</summary>
    public IReadOnlyDictionary<string, SourceMemory> Memory { get; init; } = new Dictionary<string, SourceMemory>(StringComparer.Ordinal);
}
