using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Http.Answers;

/// <summary>What a restore would do. Names are at most <see cref="RestorePreview.MaxNamed"/> of each kind; the counts are whole.</summary>
internal sealed record PreviewAnswer
{
    public required DateTimeOffset Created { get; init; }

    public required VerificationLevel Verification { get; init; }

    public required bool Proven { get; init; }

    public required long ReplacedCount { get; init; }

    public required IReadOnlyList<string> Replaced { get; init; }

    public required long AddedCount { get; init; }

    public required IReadOnlyList<string> Added { get; init; }

    public required long RemovedCount { get; init; }

    public required IReadOnlyList<string> Removed { get; init; }

    public required long UnchangedCount { get; init; }

    /// <summary>Whether there is room for the safety backup too; where there is none, the replaced files are kept as the way back.</summary>
    public required bool SafetyBackupFits { get; init; }

    public required long NeededBytes { get; init; }

    public required long FreeBytes { get; init; }

    /// <summary>Why it cannot be told whether somebody has storage open; null when it can.</summary>
    public string? InUseDoubt { get; init; }

    /// <summary>Why the restore would be refused; null when it would not, as far as can be told without reading the archive whole.</summary>
    public string? Refusal { get; init; }

    public static PreviewAnswer Of(RestorePreview preview) => new()
    {
        Created = preview.CreatedAt,
        Verification = preview.Verification,
        Proven = preview.IsProven,
        ReplacedCount = preview.ReplacedCount,
        Replaced = preview.Replaced,
        AddedCount = preview.AddedCount,
        Added = preview.Added,
        RemovedCount = preview.RemovedCount,
        Removed = preview.Removed,
        UnchangedCount = preview.UnchangedCount,
        SafetyBackupFits = preview.SafetyBackupFits,
        NeededBytes = preview.NeededBytes,
        FreeBytes = preview.FreeBytes,
        InUseDoubt = preview.InUseDoubt,
        Refusal = preview.Refusal is { } refusal ? $"{refusal.Message} {refusal.Hint}" : null,
    };
}
