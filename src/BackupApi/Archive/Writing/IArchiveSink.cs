namespace BackupApi.Archive.Writing;

/// <summary>Where the bytes of an archive go: a body that is appended to, and can be cut back, behind a head that is known last.</summary>
internal interface IArchiveSink : IDisposable
{
    /// <summary>Bytes of the file. Final after <see cref="Finish"/>.</summary>
    long FileLength { get; }

    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Forgets all of the body behind that length.</summary>
    void CutTo(long bodyLength);

    /// <summary>Puts the head in front, also one that is longer than the room kept for it. Nothing follows but the caller's flush.</summary>
    void Finish(ReadOnlySpan<byte> head);
}
