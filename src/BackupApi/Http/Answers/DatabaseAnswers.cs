using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>The databases in storage, sorted by name.</summary>
internal sealed record DatabasesAnswer(IReadOnlyList<DatabaseFacts> Databases)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}

/// <summary>What a check of the live databases found.</summary>
/// <param name="Whole">No database has an error.</param>
internal sealed record DatabasesVerifiedAnswer(bool Whole, IReadOnlyList<DatabaseFacts> Databases, long DurationMs, string OperationId)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}
