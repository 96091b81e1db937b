using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Http.Answers;

/// <summary>The work was accepted and goes on; ask for it at <c>status</c>, or listen at <c>events</c>.</summary>
internal sealed record AcceptedAnswer(string OperationId)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;

    public string Status => $"/api/operations/{OperationId}";

    public string Events => $"/api/operations/{OperationId}/events";
}

/// <summary>Recent operations, newest first, the running one included.</summary>
internal sealed record OperationsAnswer(IReadOnlyList<OperationRecord> Operations);
