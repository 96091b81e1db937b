namespace BackupApi.Model;

/// <summary>A change that a person should look at before it is taken for granted.</summary>
/// <param name="Id">The number of the backup it was seen in and what it is about: <c>42-bytes</c>, <c>42-database-2</c>.</param>
/// <param name="Subject">What shrank, vanished or changed its nature: <c>bytes</c>, <c>files</c>, <c>compression</c>, or a database's name.</param>
/// <param name="PinnedBackup">The newest backup before the change, kept until this is acknowledged; null when there was none.</param>
internal sealed record Alarm(string Id, string Subject, string Message, string SeenIn, long Sequence, string? PinnedBackup, DateTimeOffset At)
{
    public DateTimeOffset? AcknowledgedAt { get; init; }
}

/// <summary>What is suspicious in a backup, next to those before it.</summary>
internal sealed record Suspicion(string Subject, string Message);
