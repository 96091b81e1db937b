namespace BackupApi.Model;

/// <summary>One name that goes into the archive, and where its bytes lie.</summary>
internal sealed record CapturedFile
{
    /// <summary>Path relative to storage and to the archive's root, with <c>/</c> and no leading or trailing one. Bytes that are not UTF-8 are kept (see Files.PathText).</summary>
    public required string Name { get; init; }

    /// <summary>Owner, mode and times to record; the size of a quiet copy is the copy's own.</summary>
    public required FileStat Stat { get; init; }

    /// <summary>Target of a symlink, as stored, not resolved. Null for everything else.</summary>
    public string? LinkTarget { get; init; }

    /// <summary>Name of the first entry with the same inode: this one is then written as a hard link. Null for everything else.</summary>
    public string? HardLinkTo { get; init; }

    /// <summary>Absolute path of the bytes: the live file itself, or a quiet copy in staging. Null when there are none.</summary>
    public string? ContentPath
    {
        get => contentPath ?? (ContentRoot is null ? null : $"{ContentRoot}/{Name}");
        init => (contentPath, ContentRoot) = (value, null);
    }

    /// <summary>The folder whose <see cref="Name"/> holds the bytes: said instead of <see cref="ContentPath"/>, one string serves a million files. Null when there are none.</summary>
    public string? ContentRoot { get; init; }

    private readonly string? contentPath;

    public bool HasContentPath => (contentPath ?? ContentRoot) is not null;

    /// <summary>True when <see cref="ContentPath"/> is a copy that nobody changes; false for a live file, which is read under the stability check.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>Nothing is read: the content is the one the reference archive holds under this name, because nothing of its source changed since. <see cref="ContentPath"/> is then ignored.</summary>
    public bool FromReference { get; init; }
}

/// <summary>What an engine gives of a source.</summary>
internal sealed record Capture
{
    public required Source Source { get; init; }

    /// <summary>In archive order is not required; names are unique over all captures of a backup.</summary>
    public required IReadOnlyList<CapturedFile> Files { get; init; }

    /// <summary>The instant whose committed state this is.</summary>
    public required DateTimeOffset CapturedAt { get; init; }

    /// <summary>Longest time its owner was held off by us; zero when it never waited.</summary>
    public TimeSpan OwnerHeld { get; init; }

    /// <summary>How often the copy was begun before it was accepted; 1 or more.</summary>
    public int Attempts { get; init; } = 1;

    /// <summary>How it was taken, in the words of docs/DESIGN.md: <c>online backup</c>, <c>compare and patch</c>, <c>lease</c>, <c>stable copy</c>.</summary>
    public required string Method { get; init; }

    public IReadOnlyList<Finding> Warnings { get; init; } = [];
}
