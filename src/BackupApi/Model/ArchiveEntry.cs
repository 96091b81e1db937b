namespace BackupApi.Model;

/// <summary>What an entry of an archive is; everything else a tar or zip can hold is refused.</summary>
internal enum EntryKind
{
    File,
    Directory,
    Symlink,
    HardLink,
}

/// <summary>One entry of an archive, with a name that was already found harmless.</summary>
/// <param name="Name">Relative, with <c>/</c>, no empty, <c>.</c> or <c>..</c> segment.</param>
/// <param name="LinkTarget">Of a symlink: as stored. Of a hard link: the name of an earlier entry. Else null.</param>
/// <param name="Uid">Null where the format does not say (zip).</param>
internal sealed record ArchiveEntry(
    string Name,
    EntryKind Kind,
    long Size,
    uint Mode,
    uint? Uid,
    uint? Gid,
    UnixTime Modified,
    string? LinkTarget = null)
{
    /// <summary>SHA-256 of the content in lower-case hexadecimal; null for everything but files, and where it is not known yet.</summary>
    public string? Sha256 { get; init; }
}
