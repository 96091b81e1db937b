using System.Text.Json;

namespace BackupApi.Model;

/// <summary>What is asked of a backup.</summary>
internal sealed record CreateRequest
{
    public const int MaxLabelLength = 100;

    /// <summary>Up to <see cref="MaxLabelLength"/> characters of any script; kept in the manifest, never in a path.</summary>
    public string? Label { get; init; }

    public Trigger Trigger { get; init; } = Trigger.Manual;

    /// <summary>Believes no fingerprint: everything is read and captured anew.</summary>
    public bool ReadsAll { get; init; }

    /// <summary>What the application says of itself; goes into the manifest as it is.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>A second request with the same key gets the first one's operation and makes no second backup.</summary>
    public string? IdempotencyKey { get; init; }
}

/// <summary>How much of a backup a restore brings back.</summary>
internal enum RestoreMode
{
    /// <summary>Everything, or the paths that were asked for.</summary>
    Full,

    /// <summary>Only the sources of the role <see cref="SourceRole.Eventlog"/>: the application rebuilds its state from them.</summary>
    Eventlog,
}

/// <summary>What is asked of a restore.</summary>
internal sealed record RestoreRequest
{
    public required string BackupName { get; init; }

    /// <summary>Goes on although somebody has the storage open, or the archive does not fit what lives there now.</summary>
    public bool Force { get; init; }

    /// <summary>Files, folders or globs, relative to storage; empty for everything.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    public RestoreMode Mode { get; init; }

    /// <summary>A new folder under storage to unpack into instead of into place; null for into place.</summary>
    public string? To { get; init; }
}

/// <summary>How a restore ended.</summary>
internal sealed record RestoreResult
{
    public required string BackupName { get; init; }

    /// <summary>False when it is staged for the next start because somebody has the storage open.</summary>
    public required bool Applied { get; init; }

    /// <summary>Name of the backup that holds the state before; null when the storage was empty.</summary>
    public string? SafetyBackup { get; init; }

    /// <summary>There was no room for a safety backup: the replaced files are kept beside storage and are the way back.</summary>
    public bool KeepsReplaced { get; init; }

    public long Files { get; init; }

    public long Bytes { get; init; }

    /// <summary>Names that were identical already and were not touched.</summary>
    public long Unchanged { get; init; }

    public RestoreMode Mode { get; init; }

    /// <summary>How far the application had synchronised, by the backup and by what lies in storage now; null when neither says.</summary>
    public SyncHeads? SyncHeads { get; init; }

    /// <summary>Who has storage open, as far as it can be told; empty when nobody.</summary>
    public IReadOnlyList<Finding> InUse { get; init; } = [];

    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    public TimeSpan Duration { get; init; }

    /// <summary>Its numbers, for the log.</summary>
    public string Summary => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{(Applied ? "in place" : "staged for the next start")}{(Mode == RestoreMode.Eventlog ? ", event logs only" : "")}, {Files} files, {Bytes} bytes, {Unchanged} left alone, safety backup {SafetyBackup ?? "none"}");
}

/// <summary>How a verification of an archive ended.</summary>
internal sealed record VerifyResult
{
    public required Backup Backup { get; init; }

    /// <summary>Every byte was read and everything agrees.</summary>
    public required bool IsWhole { get; init; }

    public required IReadOnlyList<Finding> Errors { get; init; }

    public long Entries { get; init; }

    public long ContentBytes { get; init; }

    public TimeSpan Duration { get; init; }
}

/// <summary>How a backup ended that was written.</summary>
internal sealed record CreateResult
{
    public required Backup Backup { get; init; }

    public required TimeSpan Duration { get; init; }

    public long BytesRead { get; init; }

    public long BytesCompressed { get; init; }

    public long BytesCarriedOver { get; init; }

    /// <summary>Nothing had changed: <see cref="Backup"/> is an older one that was confirmed, and no archive was written.</summary>
    public bool Confirmed { get; init; }

    /// <summary>What a person should know of this run; <see cref="Backup"/> has its own.</summary>
    public IReadOnlyList<Finding> Warnings { get; init; } = [];
}
