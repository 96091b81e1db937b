using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>The entries of an archive, one after the other, whatever its format. Bytes are untrusted; names come out harmless.</summary>
internal interface IEntryStream : IAsyncDisposable
{
    /// <summary>Moves to the next entry, skipping what is left of the current one; null after the last.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/> or <see cref="Fault.ArchiveHostile"/>, naming entry and offset.</exception>
    ValueTask<ArchiveEntry?> NextAsync(CancellationToken ct);

    /// <summary>Reads content of the current file entry; 0 at its end, which comes after exactly <see cref="ArchiveEntry.Size"/> bytes or is a fault.</summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct);
}
