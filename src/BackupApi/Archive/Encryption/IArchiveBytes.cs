using BackupApi.Model;

namespace BackupApi.Archive.Encryption;

/// <summary>The bytes of an archive as they were before any encryption, to be read at any place. Safe for several threads.</summary>
internal interface IArchiveBytes : IDisposable
{
    long Length { get; }

    /// <summary>Bytes that were met and are not authentic: the file's offsets, ascending. Empty where nothing is encrypted.</summary>
    IReadOnlyCollection<long> Damaged { get; }

    /// <summary>Reads what it can get at once, at least one byte; 0 at the end.</summary>
    /// <exception cref="IOException">The disk's.</exception>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>: the bytes are not authentic.</exception>
    int Read(Span<byte> buffer, long offset);

    /// <summary>As <see cref="Read"/>, but what is not authentic comes as zeros: for callers that compare a checksum, and name what is damaged better than an offset does.</summary>
    int ReadForChecksum(Span<byte> buffer, long offset);

    /// <summary>The file as it lies on the disk, from its start. Does not own it.</summary>
    Stream OpenStored();
}
