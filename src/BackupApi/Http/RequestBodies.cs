using System.Text.Json;

namespace BackupApi.Http;

/// <summary>Body of <c>POST /api/backup/create</c>; all of it may be left out.</summary>
internal sealed record CreateBody
{
    /// <summary>Up to 100 characters of any script.</summary>
    public string? Label { get; init; }

    /// <summary>What the application says of itself; kept in the manifest as it is.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>Body of <c>POST /api/backup/undo-restore</c>; may be left out.</summary>
internal sealed record UndoBody
{
    /// <summary>Goes on although somebody has the storage open.</summary>
    public bool? Force { get; init; }
}

/// <summary>Body of <c>POST /api/databases/salvage</c>.</summary>
internal sealed record SalvageBody
{
    /// <summary>The database, as GET /api/databases shows it; or a file or folder of storage that was one.</summary>
    public string? Name { get; init; }

    /// <summary>What it was, where neither it nor a backup tells any more: sqlite, litedb or leveldb.</summary>
    public string? Engine { get; init; }
}

/// <summary>Body of <c>POST /api/backup/{name}/pin</c>; may be left out.</summary>
internal sealed record PinBody
{
    /// <summary>Why, up to 100 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>Body of <c>POST /api/backup/restore</c>.</summary>
internal sealed record RestoreBody
{
    /// <summary>Name of the backup, as the list shows it.</summary>
    public string? BackupName { get; init; }

    /// <summary>Goes on although somebody has the storage open, or the archive does not fit what lives there now.</summary>
    public bool? Force { get; init; }

    /// <summary>Files, folders or globs, relative to storage; left out for everything.</summary>
    public IReadOnlyList<string>? Paths { get; init; }

    /// <summary><c>full</c> (the default) or <c>eventlog</c>: only the sources of the role eventlog, for an application that rebuilds its state by replay.</summary>
    public string? Mode { get; init; }

    /// <summary>A new folder under storage to unpack into; left out: into place.</summary>
    public string? To { get; init; }

    /// <summary>Only says what the restore would do.</summary>
    public bool? DryRun { get; init; }
}
