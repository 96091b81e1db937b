using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>What goes into one archive.</summary>
internal sealed record ArchiveRequest
{
    /// <summary>In any order; the writer sorts as <see cref="EntryOrder"/> says.</summary>
    public required IReadOnlyList<CapturedFile> Files { get; init; }

    /// <summary>Asked once, at the start; its answer may come as late as the last content, so that verification may go on meanwhile. Its entry comes first in the archive all the same.</summary>
    public required Func<CancellationToken, Task<Manifest>> Manifest { get; init; }

    /// <summary>Asked once, after the manifest: what the writer saw goes in, the report comes out.</summary>
    public required Func<WriterObservations, CancellationToken, Task<Report>> Report { get; init; }

    /// <summary>The previous archive, whose chunks may be carried over; null for a full run.</summary>
    public string? ReferencePath { get; init; }

    /// <summary>Told at once, on any thread, when a part of the reference archive turns out damaged: by that archive's name, with entry and offset. Also where the writing fails later on. Must not throw.</summary>
    public Action<Finding>? OnReferenceRot { get; init; }

    /// <summary>Whether an unchanged fingerprint means that a file need not be read.</summary>
    public bool TrustFingerprints { get; init; } = true;

    /// <summary>Bytes kept free at the head of the archive for the manifest, so that it may come last. A longer manifest is written all the same, at the price of moving what lies behind it.</summary>
    public int ManifestRoomBytes { get; init; } = 16 * 1024;
}

/// <summary>What happened to live files while they were read.</summary>
/// <param name="ChangedWhileRead">In the archive, but possibly torn: they changed at every try. A warning each.</param>
/// <param name="Unreadable">Not in the archive: could not be opened or read. Makes the backup partial.</param>
/// <param name="Vanished">Not in the archive: gone between the listing and the reading. A warning each.</param>
internal sealed record WriterObservations(
    IReadOnlyList<Finding> ChangedWhileRead,
    IReadOnlyList<Finding> Unreadable,
    IReadOnlyList<Finding> Vanished,
    long Entries,
    long ContentBytes)
{
    /// <summary>Chunks of the reference archive that did not stand their check and were compressed anew, each once, and why it was of no use: that archive is damaged, this one is not.</summary>
    public IReadOnlyList<Finding> ReferenceRot { get; init; } = [];
}

/// <summary>A finished archive file.</summary>
/// <param name="Sha256">Of the whole file, lower-case hexadecimal.</param>
/// <param name="Manifest">As it was written.</param>
/// <param name="Report">As it was written.</param>
/// <param name="BytesRead">Content read from storage or staging.</param>
/// <param name="BytesCompressed">Content that was compressed anew.</param>
/// <param name="BytesCarriedOver">Compressed bytes taken from the reference archive.</param>
internal sealed record ArchiveFacts(long SizeBytes, string Sha256, Manifest Manifest, Report Report, WriterObservations Observations, long BytesRead, long BytesCompressed, long BytesCarriedOver);
