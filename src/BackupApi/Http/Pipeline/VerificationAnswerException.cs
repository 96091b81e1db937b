using BackupApi.Model;

namespace BackupApi.Http.Pipeline;

/// <summary>A verification that ended as it should and found damage: answered as a problem, so that a script's exit code tells, with every finding.</summary>
internal sealed class VerificationAnswerException(BackupException expected, IReadOnlyList<Finding> errors) : Exception(expected.Message, expected)
{
    public BackupException Expected { get; } = expected;

    public IReadOnlyList<Finding> Errors { get; } = errors;
}
