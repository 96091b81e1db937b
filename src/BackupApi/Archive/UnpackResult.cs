using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>What was unpacked.</summary>
/// <param name="NotGivenBack">What an unprivileged process cannot set (owners), at most <see cref="Verdict.MaxFindings"/>. The content is right.</param>
/// <param name="Damaged">Files left out because their content did not verify; only ever filled when damaged ones were to be passed over.</param>
internal sealed record UnpackResult(long Entries, long Bytes, IReadOnlyList<Finding> NotGivenBack, IReadOnlyList<Finding> Damaged)
{
    /// <summary>Stands in <see cref="Damaged"/> for everything behind a place that could not be read, where no index tells the names.</summary>
    public const string Rest = "(the rest)";
}
