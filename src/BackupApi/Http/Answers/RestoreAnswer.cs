using System.Text.Json.Serialization;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Http.Answers;

/// <summary>A restore was done, or verified and staged for the next start, or only previewed.</summary>
internal sealed record RestoreAnswer
{
    private const string Complete = "Restore complete. Restart application to apply changes.";
    private const string Staged = "Restore staged. Restart application to apply changes.";
    private const string Previewed = "Nothing was changed: preview says what the restore would do.";
    private const string Refused = "Nothing was changed: the restore would be refused.";
    private const string EventlogsComplete = "Event logs restored, and nothing else. Restart application to rebuild its state from them.";
    private const string EventlogsStaged = "Restore of the event logs staged, and of nothing else. Restart application to apply changes and rebuild its state from them.";
    private const string Aside = "Restore complete. The files lie in the folder that was asked for.";

    [JsonPropertyOrder(-1)]
    public bool Success => true;

    public required string Message { get; init; }

    /// <summary>What a person runs next; never run by this service.</summary>
    public string? RestartCommand { get; init; }

    public required bool RequiresRestart { get; init; }

    /// <summary>False when somebody has the storage open: it is put in place at the next start, before the application opens anything.</summary>
    public required bool Applied { get; init; }

    public required string BackupName { get; init; }

    /// <summary>eventlog: only the sources of that role were brought back.</summary>
    public required RestoreMode Mode { get; init; }

    /// <summary>How far the application had synchronised, by the backup and by what lies in storage now; null when neither says.</summary>
    public SyncHeads? SyncHeads { get; init; }

    /// <summary>The backup that holds the state before; null when the storage was empty.</summary>
    public string? SafetyBackup { get; init; }

    /// <summary>There was no room for a safety backup: the replaced files are kept on the disk of storage until the next restore, and undo-restore brings them back.</summary>
    public bool ReplacedFilesKept { get; init; }

    public required long Files { get; init; }

    public required long Bytes { get; init; }

    /// <summary>Files that were identical already and were not touched.</summary>
    public required long Unchanged { get; init; }

    /// <summary>Who has the storage open, as far as it can be told.</summary>
    public required IReadOnlyList<Finding> InUse { get; init; }

    public required IReadOnlyList<Finding> Warnings { get; init; }

    public required long DurationMs { get; init; }

    /// <summary>Null for a preview, which is no operation.</summary>
    public string? OperationId { get; init; }

    /// <summary>Of a dry run: what would be replaced, added and removed. Null for a restore.</summary>
    public PreviewAnswer? Preview { get; init; }

    public static RestoreAnswer Of(RestorePreview preview) => new()
    {
        Message = preview.Refusal is null ? Previewed : Refused,
        RequiresRestart = false,
        Applied = false,
        BackupName = preview.BackupName,
        Mode = preview.Mode,
        Files = 0,
        Bytes = 0,
        Unchanged = preview.UnchangedCount,
        InUse = preview.InUse,
        Warnings = preview.Warnings,
        DurationMs = 0,
        Preview = PreviewAnswer.Of(preview),
    };

    public static RestoreAnswer Of(RestoreResult result, bool intoPlace, string restartCommand, string operationId) => new()
    {
        Message = (intoPlace, result.Applied, result.Mode) switch
        {
            (false, _, _) => Aside,
            (_, true, RestoreMode.Eventlog) => EventlogsComplete,
            (_, false, RestoreMode.Eventlog) => EventlogsStaged,
            (_, true, _) => Complete,
            _ => Staged,
        },
        RestartCommand = intoPlace ? restartCommand : null,
        RequiresRestart = intoPlace,
        Applied = result.Applied,
        BackupName = result.BackupName,
        Mode = result.Mode,
        SyncHeads = result.SyncHeads,
        SafetyBackup = result.SafetyBackup,
        ReplacedFilesKept = result.KeepsReplaced,
        Files = result.Files,
        Bytes = result.Bytes,
        Unchanged = result.Unchanged,
        InUse = result.InUse,
        Warnings = result.Warnings,
        DurationMs = (long)result.Duration.TotalMilliseconds,
        OperationId = operationId,
    };
}
