using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>An operation that was accepted. It goes on whatever becomes of whoever asked for it.</summary>
/// <param name="Id">Where its progress is asked for: <c>/api/operations/{id}</c>.</param>
/// <param name="Completion">Ends with the result, or fails with a <see cref="BackupException"/>.</param>
internal sealed record OperationTicket<T>(string Id, Task<T> Completion);
