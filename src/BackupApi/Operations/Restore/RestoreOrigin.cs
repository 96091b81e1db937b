using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What a journal remembers of its restore, so that a start can finish what a kill cut short; and the record of the last restore, with those before it.</summary>
internal sealed record RestoreOrigin
{
    /// <summary>Of its journal; the record of a restore is written once, however often its journal is settled.</summary>
    public string Id { get; init; } = "";

    public required string BackupName { get; init; }

    public required string ArchivePath { get; init; }

    /// <summary>As shown by Files.PathText.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    public RestoreMode Mode { get; init; }

    /// <summary>Some of storage was brought back, not all of it.</summary>
    [JsonIgnore]
    public bool IsPartial => Paths.Count > 0 || Mode != RestoreMode.Full;

    public bool Force { get; init; }

    public bool IsHealing { get; init; }

    /// <summary>An undo that puts back the files that the restore of <see cref="BackupName"/> had replaced.</summary>
    public bool TakesBack { get; init; }

    /// <summary>Name of the backup of the state before; null when there was none to take, or while the restore waits for its turn.</summary>
    public string? SafetyBackup { get; init; }

    public string? Claim { get; init; }

    /// <summary>There was no room for a safety backup: the replaced files are kept on the disk of storage and are the way back.</summary>
    public bool KeepsReplaced { get; init; }

    /// <summary>Databases that were restored as damaged as they were: a check in place does not judge them.</summary>
    public IReadOnlyList<string> Damaged { get; init; } = [];

    /// <summary>Databases it brought back, where it was about some of storage. Null: it was about everything, or the record is of an earlier version.</summary>
    public IReadOnlyList<string>? Databases { get; init; }

    /// <summary>The highest sequence number that had been given when storage was replaced: a backup above it was taken later. Null in records of earlier versions.</summary>
    public long? After { get; init; }

    /// <summary>Sequence number of the backup whose state came back; 0 when it is none of ours.</summary>
    public long? Restored { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The restores before this one, newest first; in the record only.</summary>
    public IReadOnlyList<RestoreOrigin> Earlier { get; init; } = [];

    /// <summary>Whether it changed what became of a database.</summary>
    public bool Concerns(string database) => !IsPartial
        || (Databases is not null ? Databases.Contains(database, StringComparer.Ordinal) : Paths.Any(path => path == database || database.StartsWith(path + "/", StringComparison.Ordinal)));
}
