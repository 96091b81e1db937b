using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>The databases in storage, sorted by name.</summary>
internal sealed record DatabasesAnswer(IReadOnlyList<DatabaseFacts> Databases)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}

/// <summary>What was brought out of a damaged database.</summary>
/// <param name="Folder">Holds <c>files</c> and <c>report.json</c>.</param>
/// <param name="Method"><c>copied</c>, <c>reindexed</c>, <c>.recover</c>, <c>row by row</c>, <c>document by document</c>, <c>key by key</c>; <c>none</c> for what is encrypted.</param>
/// <param name="Complete">Nothing is known to be missing.</param>
/// <param name="Counts">Rows, documents or keys brought out.</param>
/// <param name="Damage">What is wrong with the database.</param>
/// <param name="ProvenIn">The newest backup that holds a proven copy; null when none does.</param>
/// <param name="CountsThere">What that backup counts.</param>
internal sealed record SalvagedAnswer(
    string Database,
    string Engine,
    string Folder,
    IReadOnlyList<string> Files,
    string Method,
    bool Complete,
    IReadOnlyDictionary<string, long> Counts,
    IReadOnlyList<Finding> NotReadable,
    IReadOnlyList<Finding> Notes,
    IReadOnlyList<Finding> Damage,
    string? ProvenIn,
    IReadOnlyDictionary<string, long> CountsThere,
    long DurationMs,
    string OperationId)
{
    /// <summary>Something was brought out.</summary>
    [JsonPropertyOrder(-1)]
    public bool Success => Files is [_, ..];

    public static SalvagedAnswer Of(SalvageResult result, string operationId) => new(
        result.Database,
        result.Engine,
        result.Folder,
        result.Salvaged.Files,
        result.Salvaged.Method,
        result.Salvaged.NotReadable.Count == 0,
        result.Salvaged.Counts,
        result.Salvaged.NotReadable,
        result.Salvaged.Notes,
        result.Damage,
        result.ProvenIn,
        result.CountsThere,
        (long)result.Duration.TotalMilliseconds,
        operationId);
}

/// <summary>What a check of the live databases found.</summary>
/// <param name="Whole">No database has an error.</param>
internal sealed record DatabasesVerifiedAnswer(bool Whole, IReadOnlyList<DatabaseFacts> Databases, long DurationMs, string OperationId)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}
