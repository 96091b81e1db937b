using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>What a full reading of an archive showed.</summary>
internal sealed record ArchiveProof
{
    /// <summary>Null for an archive that carries none of ours.</summary>
    public Manifest? Manifest { get; init; }

    public Report? Report { get; init; }

    /// <summary>Of the whole file, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    public required long Entries { get; init; }

    public required long ContentBytes { get; init; }

    /// <summary>Every defect found, naming entry and offset; empty when the archive is whole.</summary>
    public required IReadOnlyList<Finding> Errors { get; init; }

    /// <summary>What the first of <see cref="Errors"/> is: <see cref="Fault.ArchiveHostile"/> for what must never be unpacked, else <see cref="Fault.ArchiveDamaged"/>.</summary>
    public Fault Fault { get; init; } = Fault.ArchiveDamaged;

    /// <summary>Every file was compared with a SHA-256 that the archive carries.</summary>
    public required bool HasChecksums { get; init; }
}
