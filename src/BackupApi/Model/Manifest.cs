using System.Text.Json;
using System.Text.Json.Serialization;

namespace BackupApi.Model;

/// <summary>The first entry of an archive, <c>.backup/manifest.json</c>: what is known before the first byte of content is written.</summary>
internal sealed record Manifest
{
    public const string EntryName = ".backup/manifest.json";

    /// <summary>Raised when an older reader could misread the archive.</summary>
    public const int CurrentFormatVersion = 1;

    public int FormatVersion { get; init; } = CurrentFormatVersion;

    /// <summary>Order of backups in one backups folder, from 1; never reused. Order never depends on clocks.</summary>
    public required long Sequence { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required Trigger Trigger { get; init; }

    /// <summary>Up to 100 characters of any script; null when none was given.</summary>
    public string? Label { get; init; }

    /// <summary>Version of the service that wrote it.</summary>
    public required string ServiceVersion { get; init; }

    /// <summary>The sources, in the order they were captured.</summary>
    public required IReadOnlyList<ManifestSource> Sources { get; init; }

    /// <summary>What the application said of itself (<c>storage/.backup-app.json</c> or <c>metadata</c> of the request), as it was given.</summary>
    /// <remarks>Of a foreign or forged manifest, what could not be carried on counts as nothing.</remarks>
    public JsonElement? Application { get; init => field = value is { } json && PlainJson.IsPlain(json) ? json : null; }

    /// <summary>Entries and bytes that were planned when the writing began.</summary>
    public long Entries { get; init; }

    public long ContentBytes { get; init; }

    /// <summary>Fields a later version added; kept, so that nothing is lost when it is written again.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? More { get; init; }
}

/// <summary>One source as the manifest tells it.</summary>
internal sealed record ManifestSource
{
    public required string Name { get; init; }

    public required string Engine { get; init; }

    public string? Variant { get; init; }

    /// <summary>What it was to its application; null when the settings did not say.</summary>
    public SourceRole? Role { get; init; }

    /// <summary>The instant whose committed state was captured; null when the capture failed and the source is missing from the archive.</summary>
    public DateTimeOffset? CapturedAt { get; init; }

    /// <summary>How it was captured; null as above.</summary>
    public string? Method { get; init; }

    public int Attempts { get; init; }

    /// <summary>Longest time its owner was held off, in milliseconds.</summary>
    public long OwnerHeldMs { get; init; }

    public int Files { get; init; }

    public long Bytes { get; init; }

    /// <summary>Rows, documents or keys by table, collection or key space.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>All rows, documents or keys together; a count of index entries (<c>collection.field</c> of LiteDB) is none of them.</summary>
    public long Total => Counts.Sum(c => Engine == "litedb" && c.Key.Contains('.', StringComparison.Ordinal) ? 0 : c.Value);

    public VerificationLevel Verification { get; init; }

    public VerificationLevel BestVerification { get; init; }

    /// <summary>Why it could not be verified further, was damaged, or is missing; null when there is nothing to say.</summary>
    public string? Reason { get; init; }

    public IReadOnlyList<Finding> Errors { get; init; } = [];

    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    /// <summary>Facts worth telling that are neither: an uncommitted tail that was dropped.</summary>
    public IReadOnlyList<Finding> Notes { get; init; } = [];

    /// <summary>The backup that captured and verified it, when nothing of it changed since; null when this one did.</summary>
    public string? InheritedFrom { get; init; }

    [JsonIgnore]
    public bool IsProven => Errors.Count == 0 && CapturedAt is not null && Verification >= BestVerification && Verification > VerificationLevel.None;
}

/// <summary>One of the last entries, <c>.backup/report.json</c>: what was seen while the archive was written.</summary>
internal sealed record Report
{
    public const string EntryName = ".backup/report.json";

    public required Outcome Outcome { get; init; }

    /// <summary>The lowest level over all databases; <see cref="VerificationLevel.Archive"/> where there is none, for plain files reach no higher.</summary>
    public required VerificationLevel Verification { get; init; }

    /// <summary>Whether every source reached the best level of its kind.</summary>
    public required bool Proven { get; init; }

    public IReadOnlyList<Finding> Errors { get; init; } = [];

    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    /// <summary>Names that are not data: sockets, pipes, <c>lost+found</c>.</summary>
    public IReadOnlyList<Finding> Skipped { get; init; } = [];

    public long Entries { get; init; }

    public long ContentBytes { get; init; }
}
