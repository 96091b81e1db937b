using System.Text.Json.Serialization;
using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Http.Answers;

/// <summary>The entries of a backup, in the order of the archive, written as they are read.</summary>
internal sealed record FilesAnswer(string Name, IAsyncEnumerable<FileFacts> Files)
{
    [JsonPropertyOrder(-1)]
    public bool Success => true;
}

/// <summary>One entry of an archive.</summary>
internal sealed record FileFacts
{
    /// <summary>Relative to storage. Bytes that are not UTF-8 stand as <c>\xNN</c>, a backslash as <c>\\</c>; ask for the file by the same text.</summary>
    public required string Name { get; init; }

    public required EntryKind Kind { get; init; }

    public required long Size { get; init; }

    public required DateTimeOffset Modified { get; init; }

    /// <summary>Permission bits in octal: <c>0644</c>.</summary>
    public required string Mode { get; init; }

    public uint? Uid { get; init; }

    public uint? Gid { get; init; }

    public string? LinkTarget { get; init; }

    public string? Sha256 { get; init; }

    public static FileFacts Of(ArchiveEntry entry) => new()
    {
        Name = ShownName.Of(entry.Name),
        Kind = entry.Kind,
        Size = entry.Size,
        Modified = entry.Modified.ToDateTimeOffset(),
        Mode = "0" + Convert.ToString(entry.Mode & 0xFFF, 8).PadLeft(3, '0'),
        Uid = entry.Uid,
        Gid = entry.Gid,
        LinkTarget = entry.LinkTarget is { } target ? ShownName.Of(target) : null,
        Sha256 = entry.Sha256,
    };
}
