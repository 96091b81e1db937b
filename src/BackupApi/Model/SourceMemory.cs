namespace BackupApi.Model;

/// <summary>How a database looked when it was captured, so that the next backup can tell whether anything changed since.</summary>
/// <param name="Digest">Over the fingerprints of its files.</param>
/// <param name="IsSettled">No file of it had changed within the minute before, and all lie on local disks: its fingerprints may be trusted.</param>
/// <param name="Entries">Names it has in the archive, as they are shown.</param>
internal sealed record SourceMemory(string Digest, bool IsSettled, IReadOnlyList<string> Entries);
