namespace BackupApi.Engines.LevelDb;

internal enum LogDefectKind
{
    /// <summary>The file ends inside a record: what a crash while writing leaves.</summary>
    Cut,

    /// <summary>Zeros where a record should begin: room taken in advance, or blocks the disk never got.</summary>
    Zeros,
    BadLength,
    BadChecksum,
    BadType,

    /// <summary>A middle or last fragment with no first.</summary>
    Stray,

    /// <summary>A first fragment with no last, and another record after it.</summary>
    Unfinished,

    /// <summary>Whole by its checksums, but larger than this service takes into memory.</summary>
    TooLarge,
}

/// <summary>Something in a log that is not a record the engine would apply.</summary>
internal sealed record LogDefect(long Offset, LogDefectKind Kind)
{
    /// <summary>True when a sound record comes after it: then it is no torn tail, and something was lost in the middle.</summary>
    public bool IsFollowed { get; set; }

    public string Message => Kind switch
    {
        LogDefectKind.Cut => "The file ends inside a record",
        LogDefectKind.Zeros => "Zeros stand where a record should begin",
        LogDefectKind.BadLength => "A record's length leads out of its block",
        LogDefectKind.BadChecksum => "A record's checksum does not match",
        LogDefectKind.BadType => "A record has an unknown type",
        LogDefectKind.Stray => "A record's beginning is missing",
        LogDefectKind.Unfinished => "A record's end is missing",
        _ => "A record is too large to be looked into",
    };
}
