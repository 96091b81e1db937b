namespace BackupApi.Model;

/// <summary>How a restore drill went.</summary>
/// <param name="DurationMs">As long as a restore of everything would take here, without the exchange itself, which is a few renames.</param>
/// <param name="Message">Why it failed; null when it did not.</param>
internal sealed record DrillResult(string Backup, Outcome Outcome, long DurationMs, DateTimeOffset At, string? Message);
