using System.Globalization;
using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>One backup, as lists show it. Sizes are bytes; instants are UTC.</summary>
internal record BackupFacts
{
    private const double Megabyte = 1024 * 1024;

    public required string Name { get; init; }

    /// <summary>Where the archive lies, as this service sees it.</summary>
    public required string Path { get; init; }

    public required long Size { get; init; }

    /// <summary>Megabytes of 1,048,576 bytes with two decimals, as text.</summary>
    public required string SizeMB { get; init; }

    public required DateTimeOffset Created { get; init; }

    public string? Label { get; init; }

    /// <summary>What set it off.</summary>
    public required Trigger Trigger { get; init; }

    public required Outcome Outcome { get; init; }

    /// <summary>The lowest level over its sources.</summary>
    public required VerificationLevel Verification { get; init; }

    /// <summary>Every source reached the best level that its kind can.</summary>
    public required bool Proven { get; init; }

    /// <summary>Order of backups, whatever the clocks said; 0 for an archive that was not made here.</summary>
    public required long Sequence { get; init; }

    /// <summary>SHA-256 of the archive file; null when it was never computed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Bytes of content before compression; 0 when unknown.</summary>
    public required long ContentSize { get; init; }

    /// <summary>The archive is an age file: its passphrase opens it.</summary>
    public required bool Encrypted { get; init; }

    /// <summary>It is encrypted, and no passphrase of this service opens it: nothing but its file is known.</summary>
    public required bool Locked { get; init; }

    /// <summary>Made by this service; only such archives are ever removed by rotation.</summary>
    public required bool Ours { get; init; }

    /// <summary>Why it is kept whatever rotation says; empty when it is not.</summary>
    public required IReadOnlyList<string> Pins { get; init; }

    /// <summary>The places it fills in the retention calendar, in the list; null elsewhere.</summary>
    public IReadOnlyList<string>? Slots { get; init; }

    /// <summary>A later run found that nothing had changed: it was still current then.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }

    /// <summary>When it was last read whole.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>What the last full reading, or a later backup that carried over from it, found wrong; null when it was whole.</summary>
    public string? Damage { get; init; }

    public required IReadOnlyList<Finding> Warnings { get; init; }

    public required IReadOnlyList<Finding> Errors { get; init; }

    /// <summary>Names that are no data and were left out: sockets, pipes, <c>lost+found</c>.</summary>
    public required IReadOnlyList<Finding> Skipped { get; init; }

    public static BackupFacts Of(Backup backup) => new()
    {
        Name = backup.Name,
        Path = backup.Path,
        Size = backup.SizeBytes,
        SizeMB = InMegabytes(backup.SizeBytes),
        Created = backup.CreatedAt,
        Label = backup.Label,
        Trigger = backup.Trigger,
        Outcome = backup.Outcome,
        Verification = backup.Verification,
        Proven = backup.IsProven,
        Sequence = backup.Sequence,
        Sha256 = backup.Sha256,
        ContentSize = backup.ContentBytes,
        Encrypted = backup.IsEncrypted,
        Locked = backup.IsLocked,
        Ours = backup.IsOurs,
        Pins = backup.Pins,
        ConfirmedAt = backup.ConfirmedAt,
        VerifiedAt = backup.VerifiedAt,
        Damage = backup.Damage,
        Warnings = backup.Warnings,
        Errors = backup.Errors,
        Skipped = backup.Skipped,
    };

    public static string InMegabytes(long bytes) => (bytes / Megabyte).ToString("0.00", CultureInfo.InvariantCulture);
}

/// <summary>A backup was taken.</summary>
internal sealed record CreateAnswer
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;

    public required string Name { get; init; }

    public required string BackupPath { get; init; }

    public required long Size { get; init; }

    public required string SizeMB { get; init; }

    public string? Sha256 { get; init; }

    public required DateTimeOffset Created { get; init; }

    public string? Label { get; init; }

    public required Trigger Trigger { get; init; }

    /// <summary>partial: a source is missing from it or damaged; errors say which and why.</summary>
    public required Outcome Outcome { get; init; }

    public required VerificationLevel Verification { get; init; }

    public required bool Proven { get; init; }

    public required long Sequence { get; init; }

    /// <summary>True when nothing had changed: the backup named here is an older one that is still current, and no archive was written.</summary>
    public required bool Confirmed { get; init; }

    public required IReadOnlyList<ManifestSource> Sources { get; init; }

    public required IReadOnlyList<Finding> Warnings { get; init; }

    public required IReadOnlyList<Finding> Errors { get; init; }

    /// <summary>Names that are no data and were left out: sockets, pipes, <c>lost+found</c>.</summary>
    public required IReadOnlyList<Finding> Skipped { get; init; }

    public required long BytesRead { get; init; }

    public required long BytesCompressed { get; init; }

    /// <summary>Bytes of content that an earlier archive already held and that were passed on.</summary>
    public required long BytesCarriedOver { get; init; }

    public required long DurationMs { get; init; }

    public required string OperationId { get; init; }

    public static CreateAnswer Of(CreateResult result, string operationId) => new()
    {
        Name = result.Backup.Name,
        BackupPath = result.Backup.Path,
        Size = result.Backup.SizeBytes,
        SizeMB = BackupFacts.InMegabytes(result.Backup.SizeBytes),
        Sha256 = result.Backup.Sha256,
        Created = result.Backup.CreatedAt,
        Label = result.Backup.Label,
        Trigger = result.Backup.Trigger,
        Outcome = result.Backup.Outcome,
        Verification = result.Backup.Verification,
        Proven = result.Backup.IsProven,
        Sequence = result.Backup.Sequence,
        Confirmed = result.Confirmed,
        Sources = result.Backup.Sources,
        Warnings = [.. result.Backup.Warnings.Union(result.Warnings)],
        Errors = result.Backup.Errors,
        Skipped = result.Backup.Skipped,
        BytesRead = result.BytesRead,
        BytesCompressed = result.BytesCompressed,
        BytesCarriedOver = result.BytesCarriedOver,
        DurationMs = (long)result.Duration.TotalMilliseconds,
        OperationId = operationId,
    };
}
