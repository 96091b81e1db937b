using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>Why a call was not answered with what it asked for (RFC 9457).</summary>
internal sealed record Problem
{
    public const string ContentType = "application/problem+json";

    public string Type => "about:blank";

    /// <summary>The phrase of the status.</summary>
    public required string Title { get; init; }

    public required int Status { get; init; }

    /// <summary>What happened, one sentence.</summary>
    public required string Detail { get; init; }

    /// <summary>The path that was called.</summary>
    public required string Instance { get; init; }

    public bool Success => false;

    /// <summary>The kind of failure: a closed set, for programs.</summary>
    public required Fault Fault { get; init; }

    /// <summary>What to do about it, one sentence.</summary>
    public required string Hint { get; init; }

    /// <summary>The operation that failed, or that stands in the way.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OperationId { get; init; }

    /// <summary>How far the operation that has to end first has come.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OperationRecord? Progress { get; init; }

    /// <summary>What exactly is wrong with an archive, place by place.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Finding>? Errors { get; init; }
}
